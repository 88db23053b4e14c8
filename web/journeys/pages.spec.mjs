import assert from 'node:assert/strict'
import { send, unique, until } from './steps.mjs'

export const journeys = [
  {
    name: 'a line that cannot be read is kept and shown with its reason',
    async walk({ page, server }) {
      const line = unique('no event at all ')
      const reply = await send(server, [line])
      assert.equal(reply.rejected.length, 1)
      const { code } = reply.rejected[0]
      await page.goto('/activity')
      await page.getByRole('link', { name: /Rejects\s*\d+.* could not be read/ }).click()
      const row = page.getByRole('row').filter({ hasText: line })
      await row.waitFor()
      await row.getByText(code, { exact: true }).waitFor()
      await page.getByRole('group', { name: 'Filter by code' }).getByRole('button', { name: code }).click()
      await until('the code stands in the address', () => new URL(page.url()).searchParams.get('code'), (found) => found === code)
      await row.waitFor()
    },
  },
  {
    name: 'a key is made, shown once and revoked',
    async walk({ page }) {
      const name = unique('journey key ')
      await page.goto('/keys')
      await page.getByRole('heading', { name: 'Keys' }).waitFor()
      assert.equal(new URL(page.url()).pathname, '/settings/keys')
      await page.getByRole('button', { name: 'Create key' }).click()
      await page.getByLabel('Name').fill(name)
      await page.getByRole('button', { name: 'Create', exact: true }).click()
      const key = await page.getByTestId('new-key').textContent()
      assert.match(key, /^wik_\S{16,}$/)
      assert.ok((await page.getByRole('region', { name: 'Command' }).textContent()).includes(key))
      await page.getByRole('button', { name: 'Done' }).click()
      const row = page.getByRole('row').filter({ hasText: name })
      await row.waitFor()
      assert.ok(!(await page.content()).includes(key), 'the key is not shown again')
      await row.getByRole('button', { name: `Revoke ${name}` }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
      await row.getByText(/^revoked/).waitFor()
    },
  },
  {
    name: 'the theme and the zone are kept',
    async walk({ page }) {
      await page.goto('/keys')
      await page.getByRole('button', { name: /^Theme/ }).click()
      await page.getByRole('menuitemradio', { name: 'Dark' }).click()
      await page.getByRole('button', { name: /Switch to UTC/ }).click()
      await page.reload()
      await page.getByRole('button', { name: /Times are in UTC/ }).waitFor()
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
    },
  },
  {
    name: 'what a server answers badly is told, with a way on',
    async walk({ page }) {
      await page.route('**/api/v1/events?**', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ title: 'The lake does not answer', status: 503, code: 'lake_unavailable', detail: 'Try again in a moment.' }) }))
      await page.goto('/activity')
      await page.getByRole('heading', { name: 'The lake does not answer' }).waitFor()
      await page.getByText('lake_unavailable').waitFor()
      await page.unroute('**/api/v1/events?**')
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByRole('grid', { name: 'Events' }).waitFor()
    },
  },
]
