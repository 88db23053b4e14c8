import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { address, chips, drawer, event, open, rows, search, send, total, unique, until } from './steps.mjs'

const openDenied = async (page) => {
  await open(page, '?q=outcome:==failure&from=now-30d')
  await rows(page).filter({ hasText: 'denied' }).first().click()
  await drawer(page).getByRole('heading', { level: 2 }).waitFor()
}

export const journeys = [
  {
    name: 'a search narrows the list, stands in the address and comes back with Back',
    async walk({ page }) {
      await open(page)
      const before = await total(page)
      await search(page).fill('outcome:==failure')
      await search(page).press('Enter')
      const after = await until('the total after the search', () => total(page), (now) => now < before && now > 0)
      assert.equal(address(page).get('q'), 'outcome:==failure')
      await rows(page).filter({ hasNotText: /failure|denied/ }).first().waitFor({ state: 'detached' })
      await page.reload()
      await rows(page).first().waitFor()
      assert.equal(await search(page).inputValue(), 'outcome:==failure')
      await until('the total after the reload', () => total(page), (now) => now === after)
      await page.goBack()
      await until('the total after going back', () => total(page), (now) => now >= before)
    },
  },
  {
    name: 'a mistake is marked where it stands, with what was expected',
    async walk({ page }) {
      await open(page)
      await search(page).fill('action:kms.* (outcome:failure')
      await search(page).press('Enter')
      await until('the input is marked', () => search(page).getAttribute('aria-invalid'), (value) => value === 'true')
      const problem = page.locator(`[id="${await search(page).getAttribute('aria-describedby')}"]`)
      assert.match(await problem.textContent(), /At character 14:.*never closed/)
      assert.equal(await page.locator('.token-wrong').first().textContent(), '(')
      assert.equal(address(page).get('q'), null)
      assert.ok((await rows(page).count()) > 0, 'the list stays')
      await page.goto('/activity?q=action:')
      await page.getByRole('heading', { name: 'The search cannot be read' }).waitFor()
    },
  },
  {
    name: 'fields and values are suggested',
    async walk({ page }) {
      await open(page)
      await search(page).click()
      await search(page).pressSequentially('outc')
      await page.getByRole('option', { name: /^outcome/ }).waitFor()
      await search(page).press('ArrowDown')
      await search(page).press('Enter')
      assert.equal(await search(page).inputValue(), 'outcome:')
      await page.getByRole('option', { name: /^failure/ }).click()
      assert.equal(await search(page).inputValue(), 'outcome:failure ')
    },
  },
  {
    name: 'facets filter in and out and lead back',
    async walk({ page }) {
      await open(page)
      const facets = page.getByRole('complementary', { name: 'Facets' })
      const results = facets.getByRole('region', { name: 'Result' })
      const before = await total(page)
      const failure = results.getByRole('button', { name: /^failure/ })
      const counted = Number((await failure.locator('.facet-count').getAttribute('title')).replaceAll(',', ''))
      await failure.click()
      await until('the total equals the count of the facet', () => total(page), (now) => now === counted)
      assert.equal(address(page).get('q'), 'result:==failure')
      await results.getByRole('button', { name: /^success/ }).waitFor()
      await failure.click()
      await until('the query is gone', () => address(page).get('q'), (q) => q === null)
      await results.getByRole('listitem').filter({ hasText: 'success' }).hover()
      await results.getByRole('button', { name: 'Filter out success' }).click()
      await until('successes are shut out', () => total(page), (now) => now < before)
      assert.equal(address(page).get('q'), '-result:==success')
      await chips(page).getByRole('button', { name: /^Include/ }).click()
      await until('the chip is turned round', () => address(page).get('q'), (q) => q === 'result:==success')
      await chips(page).getByRole('button', { name: /^Remove filter/ }).click()
      await until('the chip is gone', () => address(page).get('q'), (q) => q === null)
    },
  },
  {
    name: 'any value filters, copies and becomes a column',
    async walk({ page, context, server }) {
      await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url })
      await open(page)
      const cell = rows(page).first().getByRole('gridcell').nth(2)
      const action = (await cell.locator('.cell-text').getAttribute('title'))
      await cell.hover()
      await cell.getByRole('button').click()
      await page.getByRole('menuitem', { name: 'Copy value' }).click()
      assert.equal(await page.evaluate(() => window.navigator.clipboard.readText()), action)
      await cell.hover()
      await cell.getByRole('button').click()
      await page.getByRole('menuitem', { name: 'Filter in' }).click()
      await until('the filter stands in the address', () => address(page).get('q'), (q) => q === `action:==${action}`)
      await rows(page).first().click()
      await drawer(page).getByRole('button', { name: /^Agent:/ }).click()
      await page.getByRole('menuitem', { name: 'Add as column' }).click()
      await page.getByRole('columnheader', { name: 'Agent' }).waitFor()
      assert.match(address(page).get('cols'), /initiator\.host\.agent$/)
    },
  },
  {
    name: 'columns are chosen, moved and kept in the address',
    async walk({ page }) {
      await open(page)
      await page.getByRole('button', { name: 'Columns' }).click()
      await page.getByRole('button', { name: 'Remove column From' }).click()
      await page.getByRole('combobox', { name: /Add column/ }).fill('severity')
      await page.getByRole('option', { name: /^severity/ }).click()
      await page.getByRole('button', { name: 'Move Severity forward' }).click()
      await page.keyboard.press('Escape')
      const wanted = 'time,who,what,target,severity,result'
      await until('the columns stand in the address', () => address(page).get('cols'), (cols) => cols === wanted)
      await page.getByRole('columnheader', { name: 'Who' }).getByRole('button').press('Alt+ArrowRight')
      await until('the key moved the column', () => address(page).get('cols'), (cols) => cols === 'time,what,who,target,severity,result')
      const edge = page.getByRole('columnheader', { name: 'Who' }).locator('.resizer')
      const box = await edge.boundingBox()
      await page.mouse.move(box.x + 4, box.y + 8)
      await page.mouse.down()
      await page.mouse.move(box.x + 64, box.y + 8, { steps: 4 })
      await page.mouse.up()
      await until('the width stands in the address', () => address(page).get('cols'), (cols) => /who~\d+/.test(cols))
      await page.reload()
      await rows(page).first().waitFor()
      assert.deepEqual((await page.getByRole('columnheader').allTextContents()).map((text) => text.replace(/ \(.*/, '')), ['Time', 'What', 'Who', 'On what', 'Severity', 'Result'])
    },
  },
  {
    name: 'the histogram zooms by dragging and by keys, and goes back',
    async walk({ page }) {
      await open(page)
      const plot = page.getByRole('application', { name: /Events over time/ })
      const before = await total(page)
      const box = await plot.boundingBox()
      await page.mouse.move(box.x + box.width * 0.6, box.y + 40)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width * 0.8, box.y + 40, { steps: 5 })
      await page.mouse.up()
      await until('the range is absolute', () => address(page).get('to'), (to) => to !== null)
      const [from, to] = ['from', 'to'].map((name) => Date.parse(address(page).get(name)))
      assert.ok(to - from > 3 * 3_600_000 && to - from < 7 * 3_600_000, `${to - from} ms`)
      await until('fewer events', () => total(page), (now) => now < before)
      await plot.locator('svg').dblclick({ position: { x: 50, y: 30 } })
      await until('the earlier range is back', () => address(page).get('to'), (now) => now === null)
      await plot.focus()
      await page.keyboard.press('End')
      await page.keyboard.press('ArrowLeft')
      await page.keyboard.press('Shift+ArrowLeft')
      await page.keyboard.press('Enter')
      await until('the keys zoom too', () => address(page).get('to'), (now) => now !== null)
      await plot.focus()
      await page.keyboard.press('Backspace')
      await until('and go back', () => address(page).get('to'), (now) => now === null)
      await page.getByRole('button', { name: 'As table' }).click()
      await page.getByRole('columnheader', { name: 'denied' }).waitFor()
    },
  },
  {
    name: 'the time range: relative, absolute, wrong, in UTC',
    async walk({ page }) {
      await open(page)
      const button = page.getByRole('button', { name: /Time range/ })
      await button.click()
      await page.getByRole('button', { name: 'Last 7 days' }).click()
      assert.equal(address(page).get('from'), 'now-7d')
      await button.click()
      await page.getByRole('dialog', { name: 'Time range' }).getByRole('button', { name: 'UTC' }).click()
      const from = page.getByRole('dialog', { name: 'Time range' }).getByLabel('From', { exact: true })
      await from.fill('2026-01-02T10:00:00')
      await page.getByLabel('To, not included').fill('2026-01-02T09:00:00')
      await page.getByText('The end must come after the start').waitFor()
      await page.getByLabel('To, not included').fill('2026-01-02T11:30:00')
      await page.getByRole('button', { name: 'Apply' }).click()
      await until('the range is exact', () => address(page).get('to'), (to) => to === '2026-01-02T11:30:00.000Z')
      assert.equal(address(page).get('from'), '2026-01-02T10:00:00.000Z')
      await page.getByRole('heading', { name: 'Nothing matches' }).waitFor()
      await page.getByRole('button', { name: 'Search all time' }).click()
      await rows(page).first().waitFor()
      await page.getByRole('columnheader', { name: /Time \(UTC\)/ }).waitFor()
      await button.click()
      const words = page.getByLabel('Or in words')
      await words.fill('the day before never')
      await words.press('Enter')
      await until('the server says what is wrong', () => words.getAttribute('aria-invalid'), (wrong) => wrong === 'true')
      await words.fill('2 days ago')
      await words.press('Enter')
      await until('words are a range', () => address(page).get('from'), (range) => range === '2 days ago')
      await rows(page).first().waitFor()
    },
  },
  {
    name: 'an empty answer leads to the nearest event',
    async walk({ page }) {
      await page.goto('/activity?q=outcome:==failure&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z')
      await page.getByText(/Nearest event: .* after this range/).waitFor()
      await page.getByRole('button', { name: 'Jump there' }).click()
      await rows(page).first().waitFor()
    },
  },
  {
    name: 'the drawer: sentence first, fields, JSON, related, around',
    async walk({ page }) {
      await openDenied(page)
      const event = drawer(page)
      assert.match(await event.getByRole('heading', { level: 2 }).textContent(), /refused|denied/)
      await event.getByRole('tab', { name: 'Fields' }).click()
      await event.getByLabel('Find a field or value').fill('reason')
      await event.getByRole('rowheader', { name: 'reason.reasonCode', exact: true }).waitFor()
      await event.getByRole('tab', { name: 'JSON' }).click()
      await event.getByRole('button', { name: 'As received', exact: true }).click()
      const raw = await event.getByRole('region', { name: 'Event as received' }).textContent()
      assert.equal(typeof JSON.parse(raw), 'object')
      await event.getByRole('tab', { name: /Around/ }).click()
      const lines = event.getByRole('tabpanel').getByRole('listitem')
      await until('neighbours on both sides', () => lines.count(), (count) => count > 20 && count <= 41)
      const here = await event.locator('.drawer-id').textContent()
      await lines.first().getByRole('button').click()
      await until('a neighbour opens', () => event.locator('.drawer-id').textContent(), (id) => id !== here)
      await event.getByRole('button', { name: /Close/ }).click()
      await event.waitFor({ state: 'detached' })
    },
  },
  {
    name: 'the request and its answer are shown as related',
    async walk({ page, server }) {
      const id = unique('pair-')
      const correlationId = unique('req-')
      const at = Date.now() - 2000
      const reply = await send(server, [
        event('kms.secrets.create', { id, correlationId, outcome: 'pending', eventTime: new Date(at).toISOString(), reason: { reasonCode: 202, reasonType: 'Accepted' } }),
        event('kms.secrets.create', { id, correlationId, eventTime: new Date(at + 600).toISOString() }),
      ])
      assert.equal(reply.accepted, 2)
      await open(page, `?q=id:==${id}&from=now-1h`)
      await until('both records', () => rows(page).count(), (count) => count === 2)
      await rows(page).first().click()
      await drawer(page).getByRole('tab', { name: /Related/ }).click()
      await until('the pair', () => drawer(page).getByRole('tabpanel').getByRole('listitem').count(), (count) => count === 2)
      await drawer(page).getByText('pending').first().waitFor()
      await drawer(page).getByRole('button', { name: 'Search for the whole transaction' }).click()
      await until('the transaction', () => address(page).get('q'), (q) => q === `correlationId:==${correlationId}`)
    },
  },
  {
    name: 'a link to one event opens it again',
    async walk({ page }) {
      await openDenied(page)
      const sentence = await drawer(page).getByRole('heading', { level: 2 }).textContent()
      const id = await drawer(page).locator('.drawer-id').textContent()
      assert.equal(address(page).get('event'), id)
      await page.goto(`/activity?event=${id}`)
      await drawer(page).getByRole('heading', { name: sentence }).waitFor()
      await page.reload()
      await drawer(page).getByRole('heading', { name: sentence }).waitFor()
      await page.goto('/activity?event=activity:999999999999')
      await drawer(page).getByRole('alert').waitFor()
    },
  },
  {
    name: 'live shows a new event, pauses and resumes',
    async walk({ page, server }) {
      const action = unique('journey.live.')
      await page.goto(`/activity?q=action:==${action}&from=now-1h&live=1`)
      await page.locator('.live-dot.open').waitFor()
      await send(server, [event(action)])
      await until('the event is there', () => rows(page).count(), (count) => count === 1)
      await page.getByRole('button', { name: 'Pause' }).click()
      await send(server, [event(action), event(action)])
      const more = page.getByRole('button', { name: '2 new events: show' })
      await more.waitFor()
      assert.equal(await rows(page).count(), 1)
      await more.click()
      await until('all are there', () => rows(page).count(), (count) => count === 3)
      await page.getByRole('button', { name: 'Live', exact: true }).click()
      await until('live is off', () => address(page).get('live'), (live) => live === null)
      await until('a search finds what live showed', () => rows(page).count(), (count) => count === 3)
    },
  },
  {
    name: 'an export holds exactly as many rows as were promised',
    async walk({ page }) {
      await open(page, '?q=outcome:==failure')
      for (const [format, head] of [[/^NDJSON/, 0], [/^CSV/, 1], [/^CADF/, 0], [/^Activity Tracker/, 0]]) {
        await page.getByRole('button', { name: 'Export', exact: true }).click()
        await page.getByRole('radio', { name: format }).check()
        const link = page.getByRole('link', { name: /Download [\d,]+ event/ })
        const promised = Number(/[\d,]+/.exec(await link.textContent())[0].replaceAll(',', ''))
        const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
        const text = await readFile(await download.path(), 'utf8')
        const lines = text.split('\n').filter((line) => line.trim() !== '')
        assert.equal(lines.length - head, promised, String(format))
        assert.ok(promised > 0)
      }
    },
  },
  {
    name: 'everything by keyboard',
    async walk({ page }) {
      await open(page)
      await page.keyboard.press('/')
      await until('the search has the focus', () => search(page).evaluate((input) => input === document.activeElement), Boolean)
      await page.keyboard.press('Escape')
      await page.keyboard.press('Escape')
      await page.keyboard.press('j')
      await until('a row has the focus', () => page.evaluate(() => document.activeElement?.getAttribute('data-index')), (index) => index === '0')
      await page.keyboard.press('j')
      await page.keyboard.press('j')
      await page.keyboard.press('k')
      await until('the second row', () => page.evaluate(() => document.activeElement?.getAttribute('data-index') ?? document.activeElement?.outerHTML.slice(0, 200)), (index) => index === '1')
      await page.keyboard.press('ArrowRight')
      await until('into its values', () => page.evaluate(() => document.activeElement?.className), (name) => name.includes('cell-more'))
      await page.keyboard.press('Enter')
      await page.getByRole('menuitem', { name: 'Filter in' }).waitFor()
      await page.keyboard.press('Escape')
      await until('back on the value', () => page.evaluate(() => document.activeElement?.className), (name) => name.includes('cell-more'))
      await page.keyboard.press('ArrowLeft')
      await page.keyboard.press('Enter')
      await drawer(page).waitFor()
      const first = address(page).get('event')
      await page.keyboard.press('j')
      await until('the next event', () => address(page).get('event'), (event) => event !== null && event !== first)
      await page.keyboard.press('Escape')
      await drawer(page).waitFor({ state: 'detached' })
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
      await page.keyboard.press('Escape')
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox', { name: 'Go to or do' }).fill('rejects')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Rejects' }).waitFor()
      await page.keyboard.press('g')
      await page.keyboard.press('a')
      await rows(page).first().waitFor()
    },
  },
  {
    name: 'the list scrolls through page after page',
    async walk({ page }) {
      await open(page, '?from=all')
      const all = await total(page)
      assert.ok(all > 300, `${all} events`)
      await rows(page).first().focus()
      await until('the end', async () => { await page.keyboard.press('End'); return page.getByText(/events are shown|end of the list/).count() }, (count) => count > 0, 30_000)
      const indexes = await until('the last row', async () => { await page.keyboard.press('End'); return rows(page).evaluateAll((found) => found.map((row) => Number(row.dataset.index))) }, (found) => Math.max(...found) >= all - 1)
      assert.ok(indexes.length < 120, 'only rows in sight exist')
    },
  },
  {
    name: 'phone: facets in a sheet, two-line rows, the drawer over all',
    viewport: { width: 390, height: 844 },
    async walk({ page }) {
      await open(page)
      const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)
      assert.ok(await fits(), 'the page is no wider than the phone')
      const before = await total(page)
      await page.getByRole('button', { name: 'Show facets' }).click()
      const sheet = page.getByRole('dialog', { name: 'Facets' })
      await sheet.getByRole('button', { name: /^failure/ }).click()
      await until('the filter holds', () => address(page).get('q'), (q) => q === 'result:==failure')
      await sheet.getByRole('button', { name: /^Show \d/ }).click()
      await until('fewer events', () => total(page), (now) => now < before)
      await rows(page).first().click()
      await drawer(page).getByRole('heading', { level: 2 }).waitFor()
      const box = await drawer(page).boundingBox()
      assert.ok(box.width >= 389 && box.height >= 843, JSON.stringify(box))
      assert.ok(await fits())
      await drawer(page).getByRole('button', { name: /Close/ }).click()
      await drawer(page).waitFor({ state: 'detached' })
    },
  },
]
