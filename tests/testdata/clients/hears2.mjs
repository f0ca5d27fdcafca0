// What a client on the TypeScript SDK 2 does that wants to be told of its cart, in
// the new era.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [, , url, token, patience] = process.argv;
const client = new Client({ name: 'hears2', version: '1' }, { versionNegotiation: { mode: 'auto' } });
client.onerror = (error) => console.log('error', error.message);
const told = new Promise((hear) => client.setNotificationHandler('notifications/resources/updated', (n) => hear(n.params.uri)));
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } }));
const subscription = await client.listen({ resourceSubscriptions: ['shop://cart'] });
console.log('honoured', JSON.stringify(subscription.honoredFilter));
await new Promise((resume) => setTimeout(resume, Number(patience)));
await client.callTool({ name: 'add_to_cart', arguments: { product: 'catnip-mouse' } });
console.log('told of', await told);
const read = await client.readResource({ uri: 'shop://cart' });
console.log('reads', JSON.parse(read.contents[0].text).lines[0].handle);
await subscription.close();
console.log('closed', await subscription.closed);
await client.close();
