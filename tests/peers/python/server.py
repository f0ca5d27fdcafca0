"""A cat shop on the official Python SDK and aiosqlite, as one writes it in a weekend.

It sells: six tools, those that people add first (set a quantity, order history),
OAuth tokens in SQLite that are looked up on each call, orders that are stored. It
does not: sync its writes to the disk, keep stock, check a tool's scope, know a call
that is repeated, quote before it sells, take a payment, or tell what happened.

usage: server.py DATABASE PORT [--sessions]
"""

import asyncio
import secrets
import sys
import time
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from json import dumps, loads
from typing import Any

import aiosqlite
import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

database, port = sys.argv[1], int(sys.argv[2])
origin = f"http://127.0.0.1:{port}"
db: aiosqlite.Connection
# One connection has one transaction: without this, a commit would take along what
# another call has half done.
writing = asyncio.Lock()


async def rows(sql: str, *values: Any) -> list[aiosqlite.Row]:
    return list(await db.execute_fetchall(sql, values))


class Tokens:
    async def verify_token(self, token: str) -> AccessToken | None:
        found = await rows("SELECT client_id, scopes, expires_at, user_id FROM access_tokens WHERE token = ?", token)
        if not found or found[0]["expires_at"] < time.time():
            return None
        t = found[0]
        return AccessToken(
            token=token, client_id=t["client_id"], scopes=t["scopes"].split(), expires_at=t["expires_at"], subject=str(t["user_id"])
        )


def me() -> int:
    token = get_access_token()
    if token is None or token.subject is None:
        raise PermissionError("Not authenticated")
    return int(token.subject)


shop = MCPServer(
    "cat-shop",
    token_verifier=Tokens(),
    log_level="WARNING",
    auth=AuthSettings(issuer_url=origin, resource_server_url=origin + "/mcp", required_scopes=["read"], validate_token_resource=False),
)


@shop.tool()
async def list_products(category: str | None = None) -> list[dict[str, Any]]:
    """All products, or those of a category."""
    if category is None:
        return [dict(r) for r in await rows("SELECT id, name, description, price, category FROM products")]
    return [dict(r) for r in await rows("SELECT id, name, description, price, category FROM products WHERE category = ?", category)]


@shop.tool()
async def get_product(product_id: int) -> dict[str, Any]:
    """One product."""
    found = await rows("SELECT id, name, description, price, category FROM products WHERE id = ?", product_id)
    return dict(found[0]) if found else {"error": "Product not found"}


@shop.tool()
async def add_to_cart(product_id: int, quantity: int = 1) -> dict[str, Any]:
    """Put a product into the cart."""
    user = me()
    found = await rows("SELECT name FROM products WHERE id = ?", product_id)
    if not found:
        return {"error": "Product not found"}
    if quantity < 1:
        return {"error": "The quantity must be 1 or more"}
    # A single statement is a transaction of its own.
    await db.execute(
        "INSERT INTO cart_items (user_id, product_id, quantity) VALUES (?, ?, ?)"
        " ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = quantity + excluded.quantity",
        (user, product_id, quantity),
    )
    return {"success": True, "message": f"Added {quantity}x {found[0]['name']} to your cart"}


@shop.tool()
async def update_cart_quantity(product_id: int, quantity: int) -> dict[str, Any]:
    """Set how many of a product the cart holds; 0 takes it out."""
    if quantity < 1:
        return await remove_from_cart(product_id)
    done = await db.execute("UPDATE cart_items SET quantity = ? WHERE user_id = ? AND product_id = ?", (quantity, me(), product_id))
    return {"success": True, "message": "Quantity updated"} if done.rowcount else {"error": "Item not in cart"}


@shop.tool()
async def remove_from_cart(product_id: int) -> dict[str, Any]:
    """Take a product out of the cart."""
    done = await db.execute("DELETE FROM cart_items WHERE user_id = ? AND product_id = ?", (me(), product_id))
    return {"success": True, "message": "Item removed from cart"} if done.rowcount else {"error": "Item not in cart"}


async def lines(user: int) -> list[dict[str, Any]]:
    found = await rows(
        "SELECT p.id AS product_id, p.name, p.price, c.quantity FROM cart_items c JOIN products p ON p.id = c.product_id WHERE c.user_id = ?", user
    )
    return [dict(r) | {"subtotal": round(r["price"] * r["quantity"], 2)} for r in found]


def total(items: list[dict[str, Any]]) -> float:
    return round(sum(i["subtotal"] for i in items), 2)


@shop.tool()
async def view_cart() -> dict[str, Any]:
    """What the cart holds."""
    items = await lines(me())
    return {"items": items, "total": total(items), "item_count": len(items)}


@shop.tool()
async def checkout() -> dict[str, Any]:
    """Buy what is in the cart."""
    user = me()
    async with writing:
        items = await lines(user)
        if not items:
            return {"error": "Your cart is empty"}
        order, cost, now = secrets.token_hex(8), total(items), datetime.now(timezone.utc).isoformat()
        await db.execute("BEGIN IMMEDIATE")
        try:
            await db.execute("INSERT INTO orders (id, user_id, items, total, created_at) VALUES (?, ?, ?, ?, ?)", (order, user, dumps(items), cost, now))
            await db.execute("DELETE FROM cart_items WHERE user_id = ?", (user,))
            await db.execute("COMMIT")
        except BaseException:
            await db.execute("ROLLBACK")
            raise
    return {"order_id": order, "status": "confirmed", "items": items, "total": cost, "message": "Thank you for your order!"}


@shop.tool()
async def get_order_history(number_of_orders: int = 10) -> dict[str, Any]:
    """The newest orders, newest first."""
    found = await rows("SELECT id, items, total, created_at FROM orders WHERE user_id = ? ORDER BY rowid DESC LIMIT ?", me(), number_of_orders)
    orders = [{"order_id": r["id"], "items": loads(r["items"]), "total": r["total"], "created_at": r["created_at"]} for r in found]
    return {"orders": orders, "order_count": len(orders)}


async def main() -> None:
    global db
    db = await aiosqlite.connect(database, isolation_level=None)
    db.row_factory = aiosqlite.Row
    # Usual practice: a power cut may take the last writes, it breaks nothing.
    await db.execute("PRAGMA journal_mode = WAL")
    await db.execute("PRAGMA synchronous = NORMAL")
    app = shop.streamable_http_app(json_response=True, stateless_http="--sessions" not in sys.argv)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()
    await db.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
