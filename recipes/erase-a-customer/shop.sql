-- An invented shop, to try the recipe with: 200 customers, and nothing that means anybody.
CREATE TABLE countries (code TEXT PRIMARY KEY, title TEXT NOT NULL);
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, country TEXT REFERENCES countries);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, placed TEXT NOT NULL);
CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders, what TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE invoices (number INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers, name TEXT, cents INTEGER NOT NULL);
CREATE TABLE newsletter (email TEXT PRIMARY KEY, since TEXT NOT NULL);
CREATE TABLE events (id INTEGER PRIMARY KEY, what TEXT NOT NULL, detail TEXT);

INSERT INTO countries VALUES ('CA', 'Canada'), ('DE', 'Germany');
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
  INSERT INTO customers SELECT i, 'person' || i || '@example.org', 'Person No. ' || i, iif(i % 2, 'CA', 'DE') FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  INSERT INTO orders SELECT i, 1 + i % 200, date('2026-01-01', '+' || (i % 300) || ' days') FROM n;
INSERT INTO items SELECT id, id, 'thing ' || (id % 37), 100 + id % 977 FROM orders;
INSERT INTO invoices SELECT o.id, c.id, c.name, 100 + o.id % 977 FROM orders o JOIN customers c ON c.id = o.customer_id;
INSERT INTO newsletter SELECT iif(id % 3, email, upper(email)), '2025-05-05' FROM customers;
INSERT INTO events SELECT id, 'order', json_object('customer', customer_id, 'order', id) FROM orders;
