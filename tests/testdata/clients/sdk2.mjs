import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { dance } from './dance.mjs';

await dance({ Client, StreamableHTTPClientTransport, UnauthorizedError }, (transport, back) => transport.finishAuth(back));
