import asyncio
import os

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

till = StdioServerParameters(command="till", args=["serve", "--stdio", "--user", "alice"], env=dict(os.environ))


async def main():
    async with stdio_client(till) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        result = await session.call_tool("add_to_cart", {"product": "catnip-mouse"})
        print(result.content[0].text)


asyncio.run(main())
