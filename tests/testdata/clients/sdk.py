"""What a client on the Python SDK does: it logs its person in, calls a tool, renews
its token, loses the grant and logs in again. The person and the shop's side are the
test's: an address is printed and opened, a line on the standard input says that the
grant is revoked."""

import asyncio
import sys
from urllib.parse import parse_qs, urlparse

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

URL, PORT = sys.argv[1], int(sys.argv[2])
CALLBACK = f"http://127.0.0.1:{PORT}/callback"


class Storage:
    tokens = client = None
    saved = 0

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens
        self.saved += 1

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Person:
    logins = 0

    def __init__(self):
        self.back = asyncio.Queue()

    async def listen(self, reader, writer):
        path = (await reader.readline()).split()[1].decode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
        await writer.drain()
        writer.close()
        await self.back.put(parse_qs(urlparse(path).query))

    async def open(self, address):
        self.logins += 1
        print("open", address, flush=True)

    async def answer(self):
        q = await self.back.get()
        return AuthorizationCodeResult(code=q["code"][0], state=q.get("state", [None])[0], iss=q.get("iss", [None])[0])


def check(ok, what):
    if not ok:
        raise SystemExit(what)


async def main():
    storage, person = Storage(), Person()
    server = await asyncio.start_server(person.listen, "127.0.0.1", PORT)
    auth = OAuthClientProvider(
        URL,
        OAuthClientMetadata(client_name="Python client", redirect_uris=[CALLBACK], token_endpoint_auth_method="none",
                            grant_types=["authorization_code", "refresh_token"], response_types=["code"]),
        storage, person.open, person.answer,
    )
    async with create_mcp_http_client(auth=auth) as http, streamable_http_client(URL, http_client=http) as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await session.initialize()

            async def view():
                result = await session.call_tool("view_cart", {})
                check(not getattr(result, "is_error", getattr(result, "isError", False)), f"view_cart: {result}")

            await view()
            check(person.logins == 1, f"after the first login: {person.logins} logins")
            first = storage.tokens.access_token
            await asyncio.sleep(2.5)  # the access token lives two seconds
            await view()
            check(storage.tokens.access_token != first and person.logins == 1, f"after the token expired: {person.logins} logins")
            print("revoke me", flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            await view()
            check(person.logins == 2, f"after the grant was revoked: {person.logins} logins")
            print("done", flush=True)
    server.close()


asyncio.run(main())
