import assert from 'node:assert/strict'
import { rows } from './steps.mjs'

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
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('alert').waitFor()
      assert.equal(new URL(page.url()).pathname, '/sign-in')
    },
  },
  {
    name: 'the one-time link signs in and shows activity',
    signsIn: true,
    async walk({ page, server }) {
      await page.goto(server.link)
      await rows(page).first().waitFor()
      assert.equal(new URL(page.url()).pathname, '/activity')
      assert.ok(!page.url().includes('token'), 'the token is not left in the address')
    },
  },
  {
    name: 'a link followed while signed in leaves the session as it is',
    async walk({ page, server }) {
      await page.goto(`${server.url}/sign-in#token=somebody-elses`)
      await rows(page).first().waitFor()
      assert.equal(new URL(page.url()).pathname, '/activity')
      assert.ok(!page.url().includes('token'), 'the token is not left in the address')
    },
  },
]
