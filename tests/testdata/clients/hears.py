"""What a client on the Python SDK does that wants to be told of its cart."""

import asyncio
import json
import sys

from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

URL, TOKEN, PATIENCE = sys.argv[1], sys.argv[2], int(sys.argv[3]) / 1000


async def main():
    web = create_mcp_http_client(headers={"Authorization": f"Bearer {TOKEN}"})
    async with web, Client(streamable_http_client(URL, http_client=web)) as client:
        async with client.listen(resource_subscriptions=["shop://cart"]) as subscription:
            await asyncio.sleep(PATIENCE)
            await client.call_tool("add_to_cart", {"product": "catnip-mouse"})
            event = await anext(aiter(subscription))
            print("told of", event.uri)
        read = await client.read_resource("shop://cart")
        print("reads", json.loads(read.contents[0].text)["lines"][0]["handle"])


asyncio.run(asyncio.wait_for(main(), 100))
