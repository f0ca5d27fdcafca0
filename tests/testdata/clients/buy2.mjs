import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { buy } from './buy.mjs';

const [shop, token, era, said] = process.argv.slice(2);
const client = new Client({ name: 'buyer', version: '1' }, {
  capabilities: { elicitation: {} },
  versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: era } },
});
const transport = shop === 'stdio'
  ? new StdioClientTransport({ command: 'till', args: ['serve', '--stdio', '--user', 'alice'], env: process.env })
  : new StreamableHTTPClientTransport(new URL(shop), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
await buy({ client, transport, onAsk: (answer) => client.setRequestHandler('elicitation/create', async (r) => answer(r.params)) }, said);
