// Signing in with an identity provider that others wrote, through a browser: a server of our own in front of it.
import assert from 'node:assert/strict'
import { freePort, skip, withServer } from './own-server.mjs'
import { totp } from './people.spec.mjs'
import { until } from './steps.mjs'

const NAME = 'Example login'

/** A server with a provider; the provider is on another site, as providers are. `roles`: which role each group gives. */
async function withProvider(roles, walk) {
  const port = await freePort()
  // Only now: it speaks up when it is loaded.
  const { client, startOidc } = await import('../mock/oidc.mjs')
  const provider = await startOidc({ port: 0, host: 'localhost', redirects: [`http://127.0.0.1:${port}/sign-in/oidc/callback`] })
  const settings = { WHODID_OIDC__ISSUER: provider.issuer, WHODID_OIDC__CLIENT_ID: client.id, WHODID_OIDC__CLIENT_SECRET: client.secret, WHODID_OIDC__NAME: NAME, WHODID_OIDC__ROLES: roles }
  try {
    await withServer(port, settings, ({ url }) => walk(url))
  } finally {
    await provider.close()
  }
}

const rail = (page) => page.getByRole('navigation', { name: 'Pages' })
const pathOf = (page) => new URL(page.url()).pathname
const me = (page) => page.evaluate(() => fetch('/api/v1/me').then((answer) => answer.json()))

/** A browser of somebody's own, on the sign-in page, just gone to the provider. */
async function gone(context, url, next = '/') {
  const browser = await context.browser().newContext({ baseURL: url, viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin', locale: 'en-GB' })
  const page = await browser.newPage()
  await page.goto(next)
  await page.getByRole('link', { name: `Sign in with ${NAME}` }).click()
  await page.getByRole('heading', { name: 'Mock identity provider' }).waitFor()
  return page
}

async function signIn(page, name) {
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

export const journeys = [
  {
    name: 'by the identity provider’s button people come back with the role that their group gives',
    skip,
    walk: ({ context }) =>
      withProvider('admins=administrator,staff=reader', async (url) => {
        // Back to where they wanted to go, as administrator.
        const alice = await gone(context, url, '/settings/users')
        await signIn(alice, 'alice')
        await rail(alice).getByRole('link', { name: 'Audit log' }).waitFor()
        assert.equal(pathOf(alice), '/settings/users')
        assert.equal((await me(alice)).user.role, 'administrator')
        const row = alice.getByRole('row').filter({ has: alice.getByRole('button', { name: 'alice', exact: true }) })
        await row.getByText('administrator').waitFor()
        // No password is asked for, and none can be set here.
        await alice.goto('/me/security')
        await alice.getByText('You have none here and need none').waitFor()
        await alice.getByText(/identity provider/).first().waitFor()
        await alice.context().close()

        // Another group, another role.
        const bob = await gone(context, url)
        await signIn(bob, 'bob')
        await rail(bob).getByRole('link', { name: 'Activity', exact: true }).waitFor()
        assert.equal((await me(bob)).user.role, 'reader')
        assert.equal(await rail(bob).getByRole('link', { name: 'Audit log' }).count(), 0)
        await bob.context().close()
      }),
  },
  {
    name: 'whom the identity provider does not vouch for is told why, on the sign-in page',
    skip,
    walk: ({ context }) =>
      withProvider('admins=administrator,staff=reader', async (url) => {
        // Who changes their mind at the provider.
        const bob = await gone(context, url, '/settings/users')
        await bob.getByRole('button', { name: 'Cancel' }).click()
        await bob.getByRole('alert').filter({ hasText: 'The identity provider did not sign you in' }).waitFor()
        assert.equal(pathOf(bob), '/sign-in')
        await bob.getByLabel('Password', { exact: true }).waitFor()
        assert.equal((await me(bob)).code, 'missing_credential')
        // And then does sign in.
        await bob.getByRole('link', { name: `Sign in with ${NAME}` }).click()
        await signIn(bob, 'bob')
        await rail(bob).waitFor()
        await bob.context().close()

        // Who has no role here.
        const carol = await gone(context, url)
        await signIn(carol, 'carol')
        await carol.getByRole('alert').filter({ hasText: 'no access here' }).waitFor()
        assert.equal(pathOf(carol), '/sign-in')
        await carol.context().close()
      }),
  },
  {
    name: 'a second factor set up here is asked for after the identity provider too',
    skip,
    walk: ({ context }) =>
      withProvider('staff=reader', async (url) => {
        const bob = await gone(context, url)
        await signIn(bob, 'bob')
        await rail(bob).waitFor()
        await bob.goto('/me/security')
        await bob.getByRole('button', { name: 'Set up', exact: true }).click()
        const secret = (await bob.getByTestId('totp-secret').textContent()).replaceAll(' ', '')
        await bob.getByLabel('Code', { exact: true }).fill(totp(secret))
        const recovery = await bob.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').first().textContent()
        await bob.getByLabel('I have kept them').check()
        await bob.getByRole('button', { name: 'Done' }).click()
        await bob.getByRole('button', { name: /^You:/ }).click()
        await bob.getByRole('menuitem', { name: 'Sign out' }).click()
        await until('signing out leads to signing in', () => pathOf(bob), (path) => path === '/sign-in')
        // The provider knows bob still and asks nothing; the code is asked for here.
        await bob.goto('/me/activity')
        await bob.getByRole('link', { name: `Sign in with ${NAME}` }).click()
        await bob.getByRole('heading', { name: 'Second step' }).waitFor()
        assert.ok(!bob.url().includes('challenge'), bob.url())
        await bob.getByRole('button', { name: 'Use a recovery code' }).click()
        await bob.getByLabel('Recovery code').fill(recovery)
        await bob.getByRole('button', { name: 'Go on' }).click()
        await rail(bob).waitFor()
        assert.equal(pathOf(bob), '/me/activity')
        await bob.context().close()
      }),
  },
]
