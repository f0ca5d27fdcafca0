// What a client on the TypeScript SDK 1 does that wants to be told of its cart.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const [, , url, token, patience] = process.argv;
const client = new Client({ name: 'hears1', version: '1' });
client.onerror = (error) => console.log('error', error.message);
const told = new Promise((hear) => client.setNotificationHandler(ResourceUpdatedNotificationSchema, (n) => hear(n.params.uri)));
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } }));
await client.subscribeResource({ uri: 'shop://cart' });
await new Promise((resume) => setTimeout(resume, Number(patience))); // the stream says a comment meanwhile
await client.callTool({ name: 'add_to_cart', arguments: { product: 'catnip-mouse' } });
console.log('told of', await told);
const read = await client.readResource({ uri: 'shop://cart' });
console.log('reads', JSON.parse(read.contents[0].text).lines[0].handle);
client.onerror = undefined; // it reports its own hanging up
await client.unsubscribeResource({ uri: 'shop://cart' });
await client.close();
