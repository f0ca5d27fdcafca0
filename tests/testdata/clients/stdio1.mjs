import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const client = new Client({ name: 'my-agent', version: '1' });
await client.connect(new StdioClientTransport({ command: 'till', args: ['serve', '--stdio', '--user', 'alice'], env: process.env }));
const result = await client.callTool({ name: 'add_to_cart', arguments: { product: 'catnip-mouse' } });
console.log(result.content[0].text);
await client.close();
