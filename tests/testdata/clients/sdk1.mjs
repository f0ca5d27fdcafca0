import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { dance } from './dance.mjs';

await dance({ Client, StreamableHTTPClientTransport, UnauthorizedError }, (transport, back) => transport.finishAuth(back.get('code')));
