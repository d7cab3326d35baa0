-- Invented people: Ana (user 7) is about to be erased, Ben (user 8) stays, Eve (user 1) runs the site.
SET sql_mode = 'NO_ENGINE_SUBSTITUTION';
INSERT INTO wp_users (ID, user_login, user_pass, user_nicename, user_email, display_name, user_registered) VALUES
  (1, 'eve', '$wp$2y$10$e', 'eve', 'eve@example.com', 'Eve Admin', '2024-01-01 08:00:00'),
  (7, 'ana', '$wp$2y$10$a', 'ana', 'ana@example.org', 'Ana Novák', '2025-02-03 04:05:06'),
  (8, 'ben', '$wp$2y$10$b', 'ben', 'ben@example.org', 'Ben Müller', '2025-02-04 04:05:06');
INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES
  (1, 'wp_capabilities', 'a:1:{s:13:"administrator";b:1;}'), (7, 'wp_capabilities', 'a:1:{s:8:"customer";b:1;}'),
  (7, 'first_name', 'Ana'), (7, 'last_name', 'Novák'), (7, 'billing_phone', '+420 601 123 456'),
  (7, '_woocommerce_persistent_cart_1', 'a:1:{s:4:"cart";a:0:{}}'), (7, 'session_tokens', 'a:1:{s:64:"x";s:2:"ip";}'),
  (8, 'first_name', 'Ben'), (8, 'billing_phone', '+49 30 123456');
-- 10: Eve's page; 11, 12, 13: what Ana wrote, its revision and a picture; 14: Ben's; 15: Ana's request to be erased
INSERT INTO wp_posts (ID, post_author, post_content, post_title, post_type, post_status, post_parent, post_name,
    post_excerpt, to_ping, pinged, post_content_filtered, guid, post_mime_type) VALUES
  (10, 1, 'Welcome', 'Home', 'page', 'publish', 0, 'home', '', '', '', '', 'https://x.example/?p=10', ''),
  (11, 7, 'My trip was good', 'A trip', 'post', 'publish', 0, 'a-trip', '', '', '', '', 'https://x.example/?p=11', ''),
  (12, 7, 'My trip', 'A trip', 'revision', 'inherit', 11, '11-revision-v1', '', '', '', '', 'https://x.example/?p=12', ''),
  (13, 7, '', 'boat', 'attachment', 'inherit', 11, 'boat', '', '', '', '', 'https://x.example/boat.jpg', 'image/jpeg'),
  (14, 8, 'Mine was not', 'Another trip', 'post', 'publish', 0, 'another-trip', '', '', '', '', 'https://x.example/?p=14', ''),
  (15, 7, '', 'Ana@Example.org', 'user_request', 'request-confirmed', 0, 'remove_personal_data', '', '', '', '', '', '');
INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES
  (10, '_edit_last', '7'), (11, '_edit_last', '1'), (11, '_thumbnail_id', '13'), (13, '_wp_attached_file', '2026/11/boat.jpg'),
  (15, '_wp_user_request_confirmed_timestamp', '1763700000');
-- Older storage: 101 and its refund 102 are Ana's, 103 Ben's, 104 a guest's with Ana's address.
INSERT INTO wp_posts (ID, post_author, post_content, post_title, post_type, post_status, post_parent, post_name, post_excerpt,
    post_password, to_ping, pinged, post_content_filtered) VALUES
  (101, 1, '', 'Order 101', 'shop_order', 'wc-completed', 0, 'order-101', 'Ring twice, says Ana', 'wc_order_a101', '', '', ''),
  (102, 1, '', 'Refund 102', 'shop_order_refund', 'wc-completed', 101, 'refund-102', 'Ana was not pleased', '', '', '', ''),
  (103, 1, '', 'Order 103', 'shop_order', 'wc-completed', 0, 'order-103', 'Leave it at the door', 'wc_order_b103', '', '', ''),
  (104, 1, '', 'Order 104', 'shop_order', 'wc-completed', 0, 'order-104', '', 'wc_order_g104', '', '', '');
INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES
  (101, '_customer_user', '7'), (101, '_billing_first_name', 'Ana'), (101, '_billing_email', 'ana@example.org'),
  (101, '_billing_address_index', 'Ana Novák Dlouhá 1 Praha CZ ana@example.org'), (101, '_order_total', '121.00'),
  (101, '_order_tax', '21.00'), (101, '_order_currency', 'EUR'), (101, '_billing_country', 'CZ'),
  (101, '_customer_ip_address', '192.0.2.7'), (101, '_some_plugin', 'Ana likes blue'),
  (102, '_refund_amount', '20.00'), (102, '_refund_reason', 'Ana was not pleased'), (102, '_order_total', '-20.00'),
  (103, '_customer_user', '8'), (103, '_billing_first_name', 'Ben'), (103, '_billing_email', 'ben@example.org'),
  (103, '_order_total', '12.00'), (103, '_customer_ip_address', '192.0.2.8'),
  (104, '_customer_user', '0'), (104, '_billing_email', 'ANA@example.org '), (104, '_billing_last_name', 'Novák'),
  (104, '_order_total', '5.00');
-- Tables of orders: 201, its refund 202 and the guest's 204 are Ana's, 203 is Ben's.
INSERT INTO wp_wc_orders (id, status, currency, type, tax_amount, total_amount, customer_id, billing_email, parent_order_id,
    payment_method, transaction_id, ip_address, user_agent, customer_note) VALUES
  (201, 'wc-completed', 'EUR', 'shop_order', 21, 121, 7, 'ana@example.org', 0, 'stripe', 'ch_1', '192.0.2.7', 'Firefox', 'Ring twice'),
  (202, 'wc-completed', 'EUR', 'shop_order_refund', 0, -20, 0, NULL, 201, NULL, NULL, NULL, NULL, NULL),
  (203, 'wc-completed', 'EUR', 'shop_order', 2, 12, 8, 'ben@example.org', 0, 'stripe', 'ch_2', '192.0.2.8', 'Chrome', 'At the door'),
  (204, 'wc-completed', 'EUR', 'shop_order', 0, 5, 0, 'Ana@example.org', 0, 'bacs', NULL, '192.0.2.7', 'Firefox', NULL);
INSERT INTO wp_wc_order_addresses (order_id, address_type, first_name, last_name, address_1, city, postcode, country, email, phone) VALUES
  (201, 'billing', 'Ana', 'Novák', 'Dlouhá 1', 'Praha', '110 00', 'CZ', 'ana@example.org', '+420 601 123 456'),
  (201, 'shipping', 'Ana', 'Novák', 'Krátká 2', 'Brno', '602 00', 'CZ', NULL, NULL),
  (203, 'billing', 'Ben', 'Müller', 'Hauptstraße 3', 'Berlin', '10115', 'DE', 'ben@example.org', NULL),
  (204, 'billing', 'Ana', 'Novák', 'Dlouhá 1', 'Praha', '110 00', 'CZ', 'Ana@example.org', NULL);
INSERT INTO wp_wc_order_operational_data (order_id, created_via, order_key, cart_hash, recorded_sales) VALUES
  (201, 'checkout', 'wc_order_a201', 'c1', 1), (203, 'checkout', 'wc_order_b203', 'c2', 1), (204, 'checkout', 'wc_order_g204', NULL, 1);
INSERT INTO wp_wc_orders_meta (order_id, meta_key, meta_value) VALUES
  (201, '_billing_address_index', 'Ana Novák Dlouhá 1'), (202, '_refund_reason', 'Ana was not pleased'),
  (203, '_billing_address_index', 'Ben Müller Hauptstraße 3'), (204, '_shipping_address_index', 'Ana Novák');
INSERT INTO wp_woocommerce_order_items (order_item_id, order_item_name, order_item_type, order_id) VALUES
  (1, 'Ring', 'line_item', 101), (2, 'Ring', 'line_item', 103), (3, 'Ring', 'line_item', 201), (4, 'Ring', 'line_item', 203);
INSERT INTO wp_woocommerce_order_itemmeta (order_item_id, meta_key, meta_value) VALUES
  (1, '_qty', '1'), (1, '_line_total', '100'), (1, 'Engraving', 'For Ana'), (2, '_qty', '1'), (2, 'Engraving', 'For Ben'),
  (3, '_qty', '1'), (3, 'Engraving', 'For Ana'), (4, '_qty', '1'), (4, 'Engraving', 'For Ben');
INSERT INTO wp_comments (comment_ID, comment_post_ID, comment_author, comment_author_email, comment_author_IP, comment_content,
    comment_type, comment_parent, user_id, comment_agent, comment_date) VALUES
  (1, 14, 'Ana Novák', 'ana@example.org', '192.0.2.7', 'Why not?', 'comment', 0, 7, 'Firefox', '2025-03-01 00:00:00'),
  (2, 14, 'Ben Müller', 'ben@example.org', '192.0.2.8', 'It rained.', 'comment', 1, 8, 'Chrome', '2025-03-02 00:00:00'),
  (3, 11, 'A.', 'ANA@example.org', '192.0.2.7', 'I wrote this', 'comment', 0, 0, 'Firefox', '2025-03-03 00:00:00'),
  (4, 30, 'Ana', 'ana@example.org', '192.0.2.7', 'Shiny', 'review', 0, 7, 'Firefox', '2025-03-04 00:00:00'),
  (5, 101, 'WooCommerce', 'woo@x.example', '', 'Ana was called', 'order_note', 0, 0, 'WooCommerce', '2025-03-05 00:00:00'),
  (6, 201, 'WooCommerce', 'woo@x.example', '', 'Ana was called again', 'order_note', 0, 0, 'WooCommerce', '2025-03-06 00:00:00'),
  (7, 203, 'WooCommerce', 'woo@x.example', '', 'Ben was called', 'order_note', 0, 0, 'WooCommerce', '2025-03-07 00:00:00');
INSERT INTO wp_commentmeta (comment_id, meta_key, meta_value) VALUES
  (1, 'akismet_as_submitted', 'a:1:{s:20:"comment_author_email";s:15:"ana@example.org";}'), (4, 'rating', '5'),
  (4, 'verified', '1'), (2, 'akismet_result', 'false'), (6, 'is_customer_note', '1');
INSERT INTO wp_links (link_url, link_name, link_owner, link_notes) VALUES
  ('https://ana.example/', 'A blog', 7, ''), ('https://b.example/', 'Another', 1, '');
INSERT INTO wp_options (option_name, option_value) VALUES
  ('siteurl', 'https://x.example'), ('admin_email', 'eve@example.com'), ('_transient_doing_cron', '1763700000.5');
INSERT INTO wp_terms (term_id, name, slug) VALUES (1, 'Uncategorized', 'uncategorized');
INSERT INTO wp_term_taxonomy (term_id, taxonomy, description) VALUES (1, 'category', '');
INSERT INTO wp_term_relationships (object_id, term_taxonomy_id) VALUES (11, 1), (14, 1);
INSERT INTO wp_woocommerce_downloadable_product_permissions (permission_id, download_id, product_id, order_id, order_key,
    user_email, user_id) VALUES
  (1, 'd-1', 30, 101, 'wc_order_a101', 'ana@example.org', 7), (2, 'd-1', 30, 203, 'wc_order_b203', 'ben@example.org', 8),
  (3, 'd-1', 30, 204, 'wc_order_g204', 'ANA@EXAMPLE.ORG', NULL);
INSERT INTO wp_wc_download_log (timestamp, permission_id, user_id, user_ip_address) VALUES
  ('2025-04-01 00:00:00', 1, 7, '192.0.2.7'), ('2025-04-02 00:00:00', 2, 8, '192.0.2.8'), ('2025-04-03 00:00:00', 3, NULL, '192.0.2.7');
INSERT INTO wp_woocommerce_sessions (session_key, session_value, session_expiry) VALUES
  ('7', 'a:1:{s:8:"customer";s:3:"Ana";}', 1763800000), ('8', 'a:1:{s:8:"customer";s:3:"Ben";}', 1763800000),
  ('t_0a1b2c3d4e5f60718293a4b5c6d7e', 'a:0:{}', 1763800000);
INSERT INTO wp_woocommerce_payment_tokens (token_id, gateway_id, token, user_id, type) VALUES
  (1, 'stripe', 'pm_a', 7, 'CC'), (2, 'stripe', 'pm_b', 8, 'CC');
INSERT INTO wp_woocommerce_payment_tokenmeta (payment_token_id, meta_key, meta_value) VALUES (1, 'last4', '4242'), (2, 'last4', '1881');
INSERT INTO wp_wc_customer_lookup (customer_id, user_id, username, first_name, last_name, email, country, city) VALUES
  (1, 7, 'ana', 'Ana', 'Novák', 'ana@example.org', 'CZ', 'Praha'), (2, 8, 'ben', 'Ben', 'Müller', 'ben@example.org', 'DE', 'Berlin'),
  (3, NULL, '', 'Ana', 'Novák', 'Ana@example.org', 'CZ', 'Praha');
INSERT INTO wp_wc_order_stats (order_id, num_items_sold, total_sales, status, customer_id) VALUES
  (101, 1, 121, 'wc-completed', 1), (103, 1, 12, 'wc-completed', 2), (201, 1, 121, 'wc-completed', 1),
  (203, 1, 12, 'wc-completed', 2), (204, 1, 5, 'wc-completed', 3);
INSERT INTO wp_wc_order_product_lookup (order_item_id, order_id, product_id, variation_id, customer_id, product_qty) VALUES
  (1, 101, 30, 0, 1, 1), (2, 103, 30, 0, 2, 1), (3, 201, 30, 0, 1, 1), (4, 203, 30, 0, 2, 1);
INSERT INTO wp_wc_webhooks (status, name, user_id, delivery_url, secret, topic, api_version) VALUES
  ('active', 'ERP', 1, 'https://erp.example/', 's', 'order.created', 3);
INSERT INTO wp_actionscheduler_actions (hook, status, args) VALUES ('woocommerce_deliver_webhook_async', 'pending', '[1,201]');
