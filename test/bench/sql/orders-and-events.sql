-- Rows orders_from..orders_to and so on. Every order has its items, and its newest events, at the same end of each table.
SELECT setseed(:seed);

INSERT INTO orders
SELECT id, 'H' || to_char(at, 'YYMM') || '-' || lpad(id::text, 8, '0'),
  1 + floor(random() * :users_to)::bigint, 1 + floor(random() * :addresses_to)::bigint,
  CASE WHEN random() < 0.93 THEN 'delivered' WHEN random() < 0.5 THEN 'returned' ELSE 'paid' END::order_status,
  round((5 + random() * random() * 400)::numeric, 2), (ARRAY['CAD', 'EUR', 'EUR', 'GBP'])[1 + floor(random() * 4)::int],
  CASE WHEN random() < 0.08 THEN pg_temp.words(8) END,
  at, at + random() * interval '6 days'
FROM (
  SELECT id, timestamptz '2021-01-01 00:00:00+00' + (id + random()) * interval '2 minutes' AS at
  FROM generate_series(:orders_from::bigint, :orders_to::bigint) AS id
) AS g;

INSERT INTO order_items
SELECT id, 1 + (id - 1) * :orders_to / :order_items_to, 1 + floor(random() * random() * :products_to)::bigint,
  1 + floor(random() * random() * 5)::int, price, round(price * 0.21, 2)
FROM (
  SELECT id, round((3 + random() * random() * 900)::numeric, 2) AS price
  FROM generate_series(:order_items_from::bigint, :order_items_to::bigint) AS id
) AS g;

INSERT INTO events
SELECT id, CASE WHEN random() < 0.7 THEN 1 + floor(random() * :users_to)::bigint END,
  md5('session' || id / 6)::uuid, pg_temp.kind(random()),
  jsonb_build_object('path', '/' || pg_temp.word(random()) || '/' || floor(random() * :products_to), 'ms', floor(random() * 900),
    'agent', pg_temp.agent(random()), 'referrer', CASE WHEN random() < 0.3 THEN 'https://search.example/?q=' || pg_temp.word(random()) END),
  timestamptz '2021-01-01 00:00:00+00' + (id + random()) * interval '75 seconds'
FROM generate_series(:events_from::bigint, :events_to::bigint) AS id;
