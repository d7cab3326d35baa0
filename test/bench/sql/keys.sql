-- What a restore has to build again after the data: primary keys, unique keys, indexes, foreign keys.
ALTER TABLE users ADD PRIMARY KEY (id);
ALTER TABLE addresses ADD PRIMARY KEY (id);
ALTER TABLE products ADD PRIMARY KEY (id);
ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE order_items ADD PRIMARY KEY (id);
ALTER TABLE events ADD PRIMARY KEY (id);
ALTER TABLE reviews ADD PRIMARY KEY (id);

CREATE UNIQUE INDEX users_email ON users (lower(email));
CREATE INDEX addresses_user ON addresses (user_id);
CREATE UNIQUE INDEX products_sku ON products (sku);
CREATE UNIQUE INDEX orders_number ON orders (number);
CREATE INDEX orders_user ON orders (user_id, placed_at);
CREATE INDEX order_items_order ON order_items (order_id);
CREATE INDEX events_user ON events (user_id, at) WHERE user_id IS NOT NULL;
CREATE INDEX reviews_product ON reviews (product_id, rating);

ALTER TABLE addresses ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE orders ADD FOREIGN KEY (address_id) REFERENCES addresses;
ALTER TABLE order_items ADD FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE order_items ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE reviews ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE reviews ADD FOREIGN KEY (user_id) REFERENCES users;
