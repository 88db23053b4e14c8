// Stored events: seen by day, to be kept for some time, taken away, and removed for good; all of it stands in History.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { event, send, unique, until } from './steps.mjs'

const DAY_MS = 86_400_000
const dayOf = (time) => new Date(time).toISOString().slice(0, 10)
const panel = (page, name) => page.getByRole('region', { name, exact: true })

export const journeys = [
  {
    name: 'stored events are seen by day, kept for a time, taken away and removed, and History tells it',
    async walk({ page, server }) {
      // Days that nothing else fills: long before the other events.
      const [first, second] = [dayOf(Date.now() - 61 * DAY_MS), dayOf(Date.now() - 60 * DAY_MS)]
      const at = (day, time) => event('journey.kept', { eventTime: `${day}T${time}Z`, id: unique('kept-') })
      const sent = [at(first, '00:00:00'), at(first, '12:30:00'), at(first, '23:59:59'), at(second, '00:00:00'), at(second, '09:00:00')]
      await send(server, sent)

      // The days, and what is in them.
      await page.goto('/settings/stored-events')
      const days = panel(page, 'Events by day')
      await days.getByRole('status').filter({ hasText: /as received/ }).waitFor()
      // What only screen readers get must not make the page longer than the window: below it there is nothing.
      assert.equal(await page.evaluate(() => document.scrollingElement.scrollHeight - document.scrollingElement.clientHeight), 0)
      await days.getByLabel('First day (UTC)').fill(second)
      await days.getByLabel('Last day (UTC)').fill(first)
      await days.getByText('The last day must not come before the first.').waitFor()
      assert.ok(await days.getByRole('button', { name: 'Show' }).isDisabled())
      await days.getByLabel('First day (UTC)').fill(first)
      await days.getByLabel('Last day (UTC)').fill(second)
      await days.getByRole('button', { name: 'Show' }).click()
      await days.getByRole('status').filter({ hasText: '5 events on 2 days' }).waitFor()
      await until('the days stand in the address', () => new URL(page.url()).searchParams.get('from'), (from) => from === first)
      const row = (day) => days.getByRole('row').filter({ has: page.getByTitle(`Show the events of ${day}`) })
      await row(first).getByRole('cell', { name: '3', exact: true }).waitFor()
      await row(second).getByRole('cell', { name: '2', exact: true }).waitFor()
      await days.getByLabel('Hour of each (UTC)').selectOption('12')
      await days.getByRole('button', { name: 'Show' }).click()
      await days.getByRole('status').filter({ hasText: '1 event on one day' }).waitFor()
      await days.getByLabel('Hour of each (UTC)').selectOption('')
      await days.getByRole('button', { name: 'Space', exact: true }).click()
      await days.getByLabel('Space', { exact: true }).fill('no-such-space')
      await days.getByRole('button', { name: 'Show' }).click()
      await days.getByRole('heading', { name: 'No events on these days' }).waitFor()
      await days.getByRole('button', { name: 'All I may see' }).click()
      await days.getByRole('button', { name: 'Show' }).click()

      // How long they are to be kept.
      const kept = panel(page, 'How long events are to be kept')
      await kept.getByText('Nothing is removed by itself yet.').waitFor()
      await kept.getByRole('button', { name: /of the account/ }).click()
      await page.getByRole('dialog').getByLabel('For a number of days').check()
      await page.getByRole('dialog').getByLabel('Days', { exact: true }).fill('400')
      await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
      await kept.getByRole('cell', { name: '400 days' }).waitFor()

      // A download of these days, taken once.
      const downloads = panel(page, 'Downloads')
      await downloads.getByRole('button', { name: 'Make a download' }).click()
      const making = page.getByRole('dialog', { name: 'Make a download' })
      assert.equal(await making.getByLabel('First day (UTC)').inputValue(), first, 'the days on the page are offered')
      const answered = page.waitForResponse((answer) => new URL(answer.url()).pathname === '/api/v1/downloads' && answer.request().method() === 'POST')
      await making.getByRole('button', { name: 'Make it' }).click()
      const { id } = await (await answered).json()
      const session = downloads.getByRole('row').filter({ hasText: id })
      await session.getByText('not yet').waitFor()
      const [file] = await Promise.all([page.waitForEvent('download'), session.getByRole('link', { name: /^Download/ }).click()])
      assert.equal(file.suggestedFilename(), `events-${first}-${second}.json.gz`)
      const lines = gunzipSync(await readFile(await file.path())).toString().trim().split('\n')
      assert.equal(lines.length, sent.length)
      for (const one of sent) assert.ok(lines.some((line) => line.includes(one.id)), `${one.id} is in the file`)
      await session.getByRole('link', { name: /^Download/ }).waitFor({ state: 'detached' })

      // One day goes, once its number is typed.
      await panel(page, 'Remove events').getByRole('button', { name: 'Remove events' }).click()
      const removing = page.getByRole('dialog', { name: 'Remove events' })
      await removing.getByLabel('Last day (UTC)').fill(first)
      await removing.getByText(/^3 events/).waitFor()
      const button = removing.getByRole('button', { name: 'Remove 3 events' })
      assert.ok(await button.isDisabled())
      await removing.getByLabel(/^Type/).fill('5')
      assert.ok(await button.isDisabled())
      await removing.getByLabel(/^Type/).fill('3')
      await button.click()
      const done = page.getByRole('dialog', { name: 'Events are removed' })
      await done.getByText('3 events are removed').waitFor()
      await done.getByText(/smaller/).waitFor()
      await done.getByRole('button', { name: 'Done' }).click()
      await days.getByRole('status').filter({ hasText: '2 events on one day' }).waitFor()

      // History, with what was and what is.
      await page.getByRole('button', { name: 'History' }).click()
      const told = page.getByRole('list', { name: 'History' }).getByRole('listitem')
      await told.filter({ hasText: /removed 3 events of/ }).first().waitFor()
      await told.filter({ hasText: /downloaded 5 events of/ }).first().waitFor()
      await told.filter({ hasText: /made a download of/ }).first().waitFor()
      await told.filter({ hasText: 'how long events of the account are to be kept' }).filter({ hasText: '400 days' }).first().waitFor()
    },
  },
]
