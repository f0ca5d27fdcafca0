// What a client on the TypeScript SDK does, whichever major version: it logs its
// person in, calls a tool, renews its token, loses the grant and logs in again. The
// person and the shop's side are the test's: an address is printed and opened, a
// line on the standard input says that the grant is revoked.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

export async function dance({ Client, StreamableHTTPClientTransport, UnauthorizedError }, finish) {
  const [url, port] = process.argv.slice(2);
  const callback = `http://127.0.0.1:${port}/callback`;
  let back; // resolves with what the shop sent to the callback
  createServer((request, response) => {
    response.end('You may close this page.');
    back(new URL(request.url, callback).searchParams);
  }).listen(port, '127.0.0.1');

  let info, tokens, verifier, saved = 0, logins = 0, returned;
  const authProvider = {
    redirectUrl: callback,
    clientMetadata: {
      client_name: 'TypeScript client', redirect_uris: [callback], token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    },
    clientInformation: () => info,
    saveClientInformation: (i) => { info = i; },
    tokens: () => tokens,
    saveTokens: (t) => { tokens = t; saved++; },
    saveCodeVerifier: (v) => { verifier = v; },
    codeVerifier: () => verifier,
    redirectToAuthorization: (address) => {
      logins++;
      returned = new Promise((resolve) => { back = resolve; });
      console.log(`open ${address}`);
    },
    invalidateCredentials: (what) => {
      if (what === 'all' || what === 'tokens') tokens = undefined;
      if (what === 'all' || what === 'client') info = undefined;
    },
  };
  const check = (ok, what) => { if (!ok) throw new Error(what); };
  let client, transport;
  const connect = async () => {
    client = new Client({ name: 'dance', version: '1' });
    transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
    await client.connect(transport);
  };
  // attempt does something, logging in when it has to.
  const attempt = async (something) => {
    try {
      return await something();
    } catch (error) {
      if (!(error instanceof UnauthorizedError) && !(error?.cause instanceof UnauthorizedError)) throw error;
      await finish(transport, await returned);
      await connect();
      return something();
    }
  };
  const view = () => client.callTool({ name: 'view_cart', arguments: {} });
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  await attempt(connect);
  check(!(await view()).isError && logins === 1 && saved === 1, `after the first login: ${logins} logins, ${saved} tokens`);
  const first = tokens.access_token;
  await pause(2500); // the access token lives two seconds
  check(!(await attempt(view)).isError && tokens.access_token !== first && logins === 1, `after the token expired: ${logins} logins`);
  console.log('revoke me');
  await new Promise((resolve) => createInterface({ input: process.stdin }).once('line', resolve));
  check(!(await attempt(view)).isError && logins === 2, `after the grant was revoked: ${logins} logins`);
  console.log('done');
  process.exit(0);
}
