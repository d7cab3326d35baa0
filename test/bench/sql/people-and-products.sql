-- Rows users_from..users_to and so on. Times rise with the id, as in a table that is only appended to.
SELECT setseed(:seed);

INSERT INTO users
SELECT id,
  lower(given) || '.' || id || '@' || (ARRAY['example.com', 'example.org', 'mail.example.net'])[1 + id % 3],
  given || ' ' || pg_temp.family(random()),
  '$2b$12$' || left(encode(sha224(id::text::bytea), 'base64'), 38) || left(md5(id::text), 15),
  CASE WHEN random() < 0.6 THEN '+1 ' || (200 + random() * 799)::int || ' ' || lpad((random() * 9999999)::int::text, 7, '0') END,
  (ARRAY['en_CA', 'fr_CA', 'de_DE', 'es_ES', 'cs_CZ'])[1 + floor(random() * 5)::int],
  random() < 0.4,
  jsonb_build_object('theme', CASE WHEN random() < 0.3 THEN 'dark' ELSE 'light' END, 'points', floor(random() * 5000),
    'size', (ARRAY['S', 'M', 'L', 'XL'])[1 + floor(random() * 4)::int]),
  at,
  CASE WHEN random() < 0.9 THEN at + random() * interval '90 days' END
FROM (
  SELECT id, pg_temp.given(random()) AS given,
    timestamptz '2021-01-01 00:00:00+00' + (id + random()) * interval '5 minutes' AS at
  FROM generate_series(:users_from::bigint, :users_to::bigint) AS id
) AS g;

INSERT INTO addresses
SELECT id, 1 + (id * 3 / 4) % :users_to, (ARRAY['home', 'home', 'work', 'invoice'])[1 + floor(random() * 4)::int],
  pg_temp.family(random()) || (ARRAY[' Street ', ' Road ', 'straße ', ' Avenue '])[1 + floor(random() * 4)::int] || (1 + random() * 200)::int,
  pg_temp.city(random()), lpad((random() * 99999)::int::text, 5, '0'), pg_temp.country(random()),
  timestamptz '2021-01-01 00:00:00+00' + (id + random()) * interval '4 minutes'
FROM generate_series(:addresses_from::bigint, :addresses_to::bigint) AS id;

INSERT INTO products
SELECT id, 'SKU-' || upper(left(md5(id::text), 8)), initcap(pg_temp.words(4)), pg_temp.words(60),
  round((3 + random() * random() * 900)::numeric, 2), (random() * 500)::int,
  jsonb_build_object('weight_g', (random() * 9000)::int, 'colour', (ARRAY['red', 'blue', 'black', 'green'])[1 + floor(random() * 4)::int],
    'tags', jsonb_build_array(pg_temp.word(random()), pg_temp.word(random()))),
  timestamptz '2021-01-01 00:00:00+00' + (id + random()) * interval '40 minutes'
FROM generate_series(:products_from::bigint, :products_to::bigint) AS id;

INSERT INTO reviews
SELECT id, 1 + floor(random() * random() * :products_to)::bigint, 1 + floor(random() * :users_to)::bigint,
  1 + floor(sqrt(random()) * 5)::int, initcap(pg_temp.words(3)),
  pg_temp.words(15 + (random() * 50)::int) || '.',
  timestamptz '2021-01-01 00:00:00+00' + (id + random()) * interval '8 minutes'
FROM generate_series(:reviews_from::bigint, :reviews_to::bigint) AS id;
