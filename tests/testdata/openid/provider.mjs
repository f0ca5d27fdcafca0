// An OpenID provider of others' making, with one client and whoever logs in. It says
// on its standard output when it can be reached; "rotate" on its standard input makes
// it sign with another key, after a restart of itself.
import { createInterface } from 'node:readline'
import { generateKeyPairSync } from 'node:crypto'
import * as library from 'oidc-provider'

const Provider = library.Provider ?? library.default
const [port, redirect] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`

const key = (kind, options, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `${alg}-${Date.now()}`,
})

function open() {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'till shop', client_secret: 'a secret with + and : and %', redirect_uris: [redirect],
      grant_types: ['authorization_code'], response_types: ['code'], id_token_signed_response_alg: 'ES256',
    }],
    jwks: { keys: [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')] },
    cookies: { keys: ['of a test'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== 'mallory', preferred_username: id }),
    }),
  })
  return provider.listen(Number(port), '127.0.0.1', () => console.log('ready'))
}

let server = open()
createInterface({ input: process.stdin }).on('line', () => {
  server.closeAllConnections()
  server.close(() => { server = open() })
}).on('close', () => process.exit())
