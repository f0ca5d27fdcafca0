// A cat shop on the official TypeScript SDK and better-sqlite3. It sells what the
// Python one beside it sells and leaves out the same: no synced writes, no stock, no
// scope of a tool, no repeated call, no quote, no payment.
import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";
import { z } from "zod";

export function open(path) {
  const db = new Database(path);
  // Usual practice: a power cut may take the last writes, it breaks nothing.
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = NORMAL");
  const columns = "id, name, description, price, category";
  const q = {
    token: db.prepare("SELECT client_id, scopes, expires_at, user_id FROM access_tokens WHERE token = ?"),
    products: db.prepare(`SELECT ${columns} FROM products`),
    category: db.prepare(`SELECT ${columns} FROM products WHERE category = ?`),
    product: db.prepare(`SELECT ${columns} FROM products WHERE id = ?`),
    add: db.prepare(`INSERT INTO cart_items (user_id, product_id, quantity) VALUES (?, ?, ?)
      ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = quantity + excluded.quantity`),
    set: db.prepare("UPDATE cart_items SET quantity = ? WHERE user_id = ? AND product_id = ?"),
    remove: db.prepare("DELETE FROM cart_items WHERE user_id = ? AND product_id = ?"),
    lines: db.prepare(`SELECT p.id AS product_id, p.name, p.price, c.quantity FROM cart_items c
      JOIN products p ON p.id = c.product_id WHERE c.user_id = ?`),
    order: db.prepare("INSERT INTO orders (id, user_id, items, total, created_at) VALUES (?, ?, ?, ?, ?)"),
    clear: db.prepare("DELETE FROM cart_items WHERE user_id = ?"),
    history: db.prepare("SELECT id, items, total, created_at FROM orders WHERE user_id = ? ORDER BY rowid DESC LIMIT ?"),
  };
  const round = (n) => Math.round(n * 100) / 100;
  const lines = (user) => q.lines.all(user).map((l) => ({ ...l, subtotal: round(l.price * l.quantity) }));
  const total = (items) => round(items.reduce((sum, i) => sum + i.subtotal, 0));
  const place = db.transaction((user) => {
    const items = lines(user);
    if (items.length === 0) return { error: "Your cart is empty" };
    const order = { order_id: randomBytes(8).toString("hex"), status: "confirmed", items, total: total(items) };
    q.order.run(order.order_id, user, JSON.stringify(items), order.total, new Date().toISOString());
    q.clear.run(user);
    return { ...order, message: "Thank you for your order!" };
  });
  const remove = (user, id) =>
    q.remove.run(user, id).changes ? { success: true, message: "Item removed from cart" } : { error: "Item not in cart" };

  return {
    // verify looks a bearer token up, on each call.
    verify(token) {
      const t = q.token.get(token);
      if (!t || t.expires_at < Date.now() / 1000 || !t.scopes.split(" ").includes("read")) return undefined;
      return { token, clientId: t.client_id, scopes: t.scopes.split(" "), expiresAt: t.expires_at, extra: { user: t.user_id } };
    },
    // tools are name, description, arguments and what is done for a user.
    tools: [
      ["list_products", "All products, or those of a category.", { category: z.string().nullish() },
        (_, { category }) => ({ result: category == null ? q.products.all() : q.category.all(category) })],
      ["get_product", "One product.", { product_id: z.number().int() },
        (_, { product_id }) => q.product.get(product_id) ?? { error: "Product not found" }],
      ["add_to_cart", "Put a product into the cart.", { product_id: z.number().int(), quantity: z.number().int().min(1).default(1) },
        (user, { product_id, quantity }) => {
          const p = q.product.get(product_id);
          if (!p) return { error: "Product not found" };
          q.add.run(user, product_id, quantity);
          return { success: true, message: `Added ${quantity}x ${p.name} to your cart` };
        }],
      ["update_cart_quantity", "Set how many of a product the cart holds; 0 takes it out.",
        { product_id: z.number().int(), quantity: z.number().int().min(0) },
        (user, { product_id, quantity }) => {
          if (quantity === 0) return remove(user, product_id);
          return q.set.run(quantity, user, product_id).changes ? { success: true, message: "Quantity updated" } : { error: "Item not in cart" };
        }],
      ["remove_from_cart", "Take a product out of the cart.", { product_id: z.number().int() }, (user, { product_id }) => remove(user, product_id)],
      ["view_cart", "What the cart holds.", {}, (user) => {
        const items = lines(user);
        return { items, total: total(items), item_count: items.length };
      }],
      ["checkout", "Buy what is in the cart.", {}, (user) => place(user)],
      ["get_order_history", "The newest orders, newest first.", { number_of_orders: z.number().int().min(1).default(10) },
        (user, { number_of_orders }) => {
          const orders = q.history.all(user, number_of_orders)
            .map((o) => ({ order_id: o.id, items: JSON.parse(o.items), total: o.total, created_at: o.created_at }));
          return { orders, order_count: orders.length };
        }],
    ],
  };
}

// answer is a tool's result, as text and as structured content.
export const answer = (content) => ({ content: [{ type: "text", text: JSON.stringify(content) }], structuredContent: content });
