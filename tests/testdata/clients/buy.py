"""What a client does whose person is asked before a purchase: it shows them the
question, gives their answer back and prints what the shop says to that."""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.types import ElicitResult

SHOP, TOKEN, ERA, SAID = sys.argv[1:]


async def ask(context, question):
    print(question.message)
    if SAID == "decline":
        return ElicitResult(action=SAID)
    return ElicitResult(action="accept", content={"buy": SAID})


async def buy(server):
    async with Client(server, mode=ERA, elicitation_callback=ask) as client:
        add = {"product": "catnip-mouse", "quantity": 2}
        for name, arguments in ("clear_cart", {}), ("add_to_cart", add), ("checkout", {}), ("checkout", {}):
            result = await client.call_tool(name, arguments)
            print(result.content[0].text)


async def main():
    if SHOP == "stdio":
        await buy(StdioServerParameters(command="till", args=["serve", "--stdio", "--user", "alice"], env=dict(os.environ)))
        return
    async with create_mcp_http_client(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        await buy(streamable_http_client(SHOP, http_client=http))


asyncio.run(main())
