-- The orders of the last days move on; PostgreSQL writes their new versions at the end of the table.
UPDATE orders
SET status = 'shipped', updated_at = placed_at + :day * interval '1 day'
WHERE id > :orders_to - :orders_changed;
