import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { buy } from './buy.mjs';

const [shop, token, , said] = process.argv.slice(2);
const client = new Client({ name: 'buyer', version: '1' }, { capabilities: { elicitation: {} } });
const transport = shop === 'stdio'
  ? new StdioClientTransport({ command: 'till', args: ['serve', '--stdio', '--user', 'alice'], env: process.env })
  : new StreamableHTTPClientTransport(new URL(shop), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
await buy({ client, transport, onAsk: (answer) => client.setRequestHandler(ElicitRequestSchema, async (r) => answer(r.params)) }, said);
