// An identity provider to sign in with while developing and in tests: alice (admins, staff), bob (staff), carol (no group).
//   node mock/oidc.mjs [port]    OIDC_REDIRECT=http://127.0.0.1:7700/sign-in/oidc/callback   OIDC_CLAIMS=id_token
// OIDC_WHILE_STDIN=1 ends it with its standard input. Port 0 takes a free one. Says `listening <issuer>` when it is ready. For whodid: oidc.issuer as printed, oidc.client_id
// `whodid`, oidc.client_secret as below. Its own page asks for a name only; consent is given by itself.
// Claims come from userinfo, as the standard has it, unless OIDC_CLAIMS says that the ID token has them too.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import Provider from 'oidc-provider'

export const client = { id: 'whodid', secret: 'a-secret-of-no-worth-+&=%' }

const people = {
  alice: { name: 'Alice Arden', email: 'alice@example.com', email_verified: true, groups: ['admins', 'staff'] },
  bob: { name: 'Bob Berg', email: 'bob@example.com', email_verified: false, groups: ['staff'] },
  carol: { name: 'Carol Chen', email: 'carol@example.com', email_verified: true },
}

// A subject is no name: whoever mixes them up shall see it.
const idOf = (name) => `id-of-${name}`
const nameOf = (id) => id.slice('id-of-'.length)

const jwk = (type, options, rest) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...rest })

function configuration(redirects, hasClaimsInToken) {
  return {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: redirects, response_types: ['code'], grant_types: ['authorization_code'] }],
    jwks: { keys: [jwk('rsa', { modulusLength: 2048 }, { kid: 'rsa', alg: 'RS256' }), jwk('ec', { namedCurve: 'P-256' }, { kid: 'ec', alg: 'ES256' })] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: !hasClaimsInToken,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: nameOf(id), ...people[nameOf(id)] }) }),
    async loadExistingGrant(context) {
      const { client: asking, session, params } = context.oidc
      const grant = new context.oidc.provider.Grant({ clientId: asking.clientId, accountId: session.accountId })
      grant.addOIDCScope(params.scope)
      await grant.save()
      return grant
    },
  }
}

const page = (uid, problem = '') => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Mock identity provider</title>
<main><h1>Mock identity provider</h1><form method="post" action="/interaction/${uid}">
<label>Name <input name="login" autocomplete="username" autofocus required></label> <button>Sign in</button>
<button name="deny" value="1" formnovalidate>Cancel</button></form><p role="alert">${problem}</p></main>`

async function read(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

async function interact(provider, request, response) {
  const { uid } = await provider.interactionDetails(request, response)
  const show = (status, problem) => response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(page(uid, problem))
  if (request.method !== 'POST') return show(200)
  const form = await read(request)
  if (form.has('deny')) {
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'the person said no' })
  }
  const login = form.get('login') ?? ''
  if (!Object.hasOwn(people, login)) return show(403, `Nobody has this name. There are ${Object.keys(people).join(', ')}.`)
  return provider.interactionFinished(request, response, { login: { accountId: idOf(login) } })
}

/** `host`: what the issuer calls this machine; a name that the server does not have makes it another site to browsers. */
export async function startOidc({ port = 9400, host = '127.0.0.1', redirects = ['http://127.0.0.1:7700/sign-in/oidc/callback'], hasClaimsInToken = false } = {}) {
  const server = createServer()
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  const issuer = `http://${host}:${server.address().port}`
  const provider = new Provider(issuer, configuration(redirects, hasClaimsInToken))
  const handle = provider.callback()
  server.on('request', (request, response) => {
    if (!request.url.startsWith('/interaction/')) return handle(request, response)
    return interact(provider, request, response).catch((error) => response.writeHead(400, { 'content-type': 'text/plain' }).end(String(error.message)))
  })
  const close = () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections() })
  return { issuer, close }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const redirects = process.env.OIDC_REDIRECT?.split(',')
  const { issuer } = await startOidc({ port: Number(process.argv[2] ?? 9400), redirects, hasClaimsInToken: process.env.OIDC_CLAIMS === 'id_token' })
  console.log(`listening ${issuer}`)
  // A test that was killed leaves nothing behind: its pipe closes.
  if (process.env.OIDC_WHILE_STDIN) process.stdin.on('end', () => process.exit()).resume()
}
