-- Sequences where the rows ended; hint bits and visibility written now, so that no dump pays for them; statistics.
SELECT setval(pg_get_serial_sequence('users', 'id'), :users_to), setval(pg_get_serial_sequence('addresses', 'id'), :addresses_to),
  setval(pg_get_serial_sequence('products', 'id'), :products_to), setval(pg_get_serial_sequence('orders', 'id'), :orders_to),
  setval(pg_get_serial_sequence('order_items', 'id'), :order_items_to), setval(pg_get_serial_sequence('events', 'id'), :events_to),
  setval(pg_get_serial_sequence('reviews', 'id'), :reviews_to);
VACUUM (ANALYZE);
CHECKPOINT;
