import assert from 'node:assert/strict'
import { rows } from './steps.mjs'

/** At Home, or at Activity where nothing is found. */
async function landed(page) {
  await page.getByRole('region', { name: 'Activity Insights' }).or(rows(page)).first().waitFor()
  assert.ok(['/', '/activity'].includes(new URL(page.url()).pathname), page.url())
}

export const journeys = [
  {
    name: 'without a session every page leads to signing in',
    signedOut: true,
    async walk({ page }) {
      await page.goto('/rejects?code=not_json')
      await page.getByRole('button', { name: 'Sign in' }).waitFor()
      assert.equal(new URL(page.url()).pathname, '/sign-in')
      assert.equal(new URL(page.url()).searchParams.get('next'), '/rejects?code=not_json')
    },
  },
  {
    name: 'a link that is no good says so',
    signedOut: true,
    async walk({ page, server }) {
      await page.goto(`${server.url}/sign-in?token=not-a-token`)
      await page.getByRole('alert').waitFor()
      await page.getByLabel('Sign-in link or token').fill('neither-is-this')
      await page.getByRole('button', { name: 'Use the link' }).click()
      await page.getByRole('alert').waitFor()
      assert.equal(new URL(page.url()).pathname, '/sign-in')
    },
  },
  {
    name: 'the one-time link signs in and shows the first page',
    signsIn: true,
    async walk({ page, server }) {
      await page.goto(server.link)
      await landed(page)
      assert.ok(!page.url().includes('token'), 'the token is not left in the address')
    },
  },
  {
    name: 'a link followed while signed in leaves the session as it is',
    async walk({ page, server }) {
      await page.goto(`${server.url}/sign-in#token=somebody-elses`)
      await landed(page)
      assert.ok(!page.url().includes('token'), 'the token is not left in the address')
    },
  },
  {
    name: 'a password field hides what is typed and takes what is pasted',
    signedOut: true,
    async walk({ page, context }) {
      await context.grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.goto('/sign-in')
      const field = page.getByLabel('Password', { exact: true })
      await field.click()
      await page.keyboard.type('typed ')
      assert.equal(await field.getAttribute('type'), 'password', 'what is typed is hidden')
      await page.evaluate(() => window.navigator.clipboard.writeText('and pasted: ünï 𝄞'))
      await page.keyboard.press('ControlOrMeta+v')
      assert.equal(await field.inputValue(), 'typed and pasted: ünï 𝄞', 'what is pasted is taken whole')
      await page.getByRole('button', { name: 'Show the password' }).click()
      assert.equal(await field.getAttribute('type'), 'text', 'it shows when asked to')
      await page.getByRole('button', { name: 'Hide the password' }).click()
      assert.equal(await field.getAttribute('type'), 'password')
    },
  },
  {
    name: 'why the identity provider’s way in did not work is told in words',
    signedOut: true,
    async walk({ page }) {
      for (const [code, words] of [['no_role', /no access here/], ['disabled', /disabled here/], ['name_taken', /has your name/], ['second_factor', /needs a browser/]]) {
        await page.goto(`/sign-in?error=${code}`)
        await page.getByRole('alert').filter({ hasText: words }).waitFor()
      }
    },
  },
  {
    name: 'every page offers to sign out',
    async walk({ page }) {
      await page.goto('/settings')
      const links = async (name) => page.getByRole('navigation', { name }).getByRole('link').evaluateAll((all) => all.map((link) => new URL(link.href).pathname))
      await page.getByRole('navigation', { name: 'Settings' }).getByRole('link').first().waitFor()
      const paths = new Set([...(await links('Pages')), ...(await links('Settings')), '/settings/access-review', '/me/activity', '/me/security'])
      assert.ok(paths.size >= 10, [...paths].join(' '))
      for (const path of paths) {
        await page.goto(path)
        await page.getByRole('main').getByRole('heading').or(page.getByRole('grid', { name: 'Events' })).first().waitFor()
        await page.getByRole('button', { name: /^You:/ }).click()
        await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
        await page.keyboard.press('Escape')
      }
    },
  },
]
