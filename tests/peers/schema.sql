-- The database of both peers: the tables that such shops have, in WAL, as each server sets it.
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, price REAL NOT NULL, category TEXT NOT NULL);
CREATE TABLE access_tokens (token TEXT PRIMARY KEY, client_id TEXT NOT NULL, user_id INTEGER NOT NULL, scopes TEXT NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE cart_items (user_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL, PRIMARY KEY (user_id, product_id));
CREATE TABLE orders (id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, items TEXT NOT NULL, total REAL NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX orders_of ON orders (user_id);
INSERT INTO products VALUES
  (1, 'Whisker Wand', 'A bendy stick with a tuft of feathers that a cat may catch now and then', 9.99, 'toys'),
  (2, 'Catnip Mouse', 'A stuffed mouse, full of organic catnip', 4.99, 'toys'),
  (3, 'Laser Pointer Pro', 'A laser with patterns to choose from', 12.99, 'toys'),
  (4, 'Cozy Cat Bed', 'A round bed with a soft raised rim', 29.99, 'beds'),
  (5, 'Window Hammock', 'A fleece-lined perch that suction cups hold to the pane', 24.99, 'beds'),
  (6, 'Salmon Treats', 'Freeze-dried wild salmon, 100 g', 7.99, 'food'),
  (7, 'Tuna Crunchies', 'Dental snack with tuna, 80 g', 5.99, 'food'),
  (8, 'Scratching Post Tower', 'A climbing post of sisal on three levels', 49.99, 'furniture');
