// Home: what was found, what waits and what is looked at. Needs the real engine, which the mock has not.
import assert from 'node:assert/strict'
import { check } from './accessibility.spec.mjs'
import { withAlerts } from './alerts.spec.mjs'
import { skip } from './rules.spec.mjs'
import { address, drawer, rows, unique, until } from './steps.mjs'

const part = (page, name) => page.getByRole('region', { name, exact: true })
const noOverflow = async (page) => assert.equal(await page.evaluate(() => Math.max(document.querySelector('.start-page').scrollWidth - document.querySelector('.start-page').clientWidth, document.scrollingElement.scrollWidth - window.innerWidth)), 0)

const withFindings = new WeakSet()
/** Sees to it that a rule found something, and that an alert of it is open, whatever was walked before. */
async function somethingIsFound({ page, server }) {
  if (withFindings.has(server)) return
  await withAlerts(page, server, ['olivia'])
  withFindings.add(server)
}

async function settled({ page, server }) {
  await somethingIsFound({ page, server })
  await page.goto('/')
  await part(page, 'Activity Insights').getByRole('link', { name: /^Identity and Access/ }).waitFor()
  await part(page, 'Alerts').getByRole('link', { name: /open$/ }).first().waitFor()
  await part(page, 'Latest findings').getByRole('listitem').first().waitFor()
  await part(page, 'What is looked at').getByText(/rules$/).waitFor()
}

/** What a client of the Findings API would send, by the session that the page has. */
const report = (page, provider, kind, body) =>
  page.evaluate(
    async ([address, text]) => {
      const answer = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json', 'replace-if-exists': 'true' }, body: text })
      if (!answer.ok) throw new Error(await answer.text())
    },
    [`/findings/v1/default/providers/${provider}/${kind}`, JSON.stringify(body)],
  )

/** The card of whodid, as if nothing had been found. */
const nothingFound = (page) =>
  page.route('**/api/v1/cards?*', async (route) => {
    const list = await (await route.fetch()).json()
    list.sections = list.sections.slice(0, 1)
    for (const value of list.sections[0].cards[0].elements.flatMap((element) => element.values)) Object.assign(value, { value: 0, days: value.days?.map(() => 0) })
    await route.fulfill({ json: list })
  })

const FAILURE = { status: 503, contentType: 'application/problem+json', json: { title: 'The store does not answer', detail: 'Try again in a moment.', status: 503, code: 'unavailable' } }

export const journeys = [
  {
    name: 'home is where one lands, and every number leads to what it counts',
    skip,
    async walk({ page, server }) {
      await settled({ page, server })
      assert.equal(new URL(page.url()).pathname, '/')
      assert.match(await page.title(), /^Home/)
      await page.getByRole('heading', { level: 1 }).filter({ hasText: /wait|looked at|Nothing/ }).waitFor()

      const number = part(page, 'Activity Insights').getByRole('link', { name: /^Everything else/ })
      const told = Number((await number.locator('strong').textContent()).replaceAll(',', ''))
      await number.click()
      await page.getByRole('heading', { name: 'Findings', level: 1 }).waitFor()
      assert.equal(address(page).get('stream'), 'findings')
      await until('as many findings are listed as were counted', () => page.locator('.stats-line strong').textContent().catch(() => ''), (text) => text !== '' && Number(text.replaceAll(',', '')) >= told)

      // Activity itself is found as it was: its own stream, and no search for findings.
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Activity', exact: true }).click()
      await rows(page).first().waitFor()
      assert.equal(address(page).get('stream'), null)
      assert.equal(address(page).get('q'), null)

      await page.keyboard.press('g')
      await page.keyboard.press('h')
      await part(page, 'Latest findings').getByRole('listitem').first().getByRole('link').first().click()
      await drawer(page).getByRole('heading', { level: 2 }).waitFor()
      assert.match(address(page).get('event'), /^findings:\d+$/)
      await page.goBack()
      await part(page, 'Alerts').getByRole('link', { name: /open$/ }).first().click()
      await page.waitForURL(/\/alerts(\?|$)/)
    },
  },
  {
    name: 'a client’s card is shown with its numbers, its texts as texts and its pictures as images only',
    skip,
    async walk({ page }) {
      await page.goto('/')
      const provider = unique('journey')
      const name = `default/providers/${provider}/notes/weak`
      const by = { reported_by: { id: provider, title: 'A <i>scanner</i>' }, short_description: 'Weak', long_description: '<b>long</b>' }
      const picture = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>window.pictureRan = true</script><rect width="9" height="9"/></svg>').toString('base64')
      await report(page, provider, 'notes', { ...by, id: 'weak', kind: 'FINDING', finding: { severity: 'LOW' } })
      await report(page, provider, 'occurrences', { id: 'one', note_name: name, kind: 'FINDING', context: { resource_name: 'shop' }, finding: { severity: 'LOW' } })
      await report(page, provider, 'notes', {
        ...by, id: 'card', kind: 'CARD',
        card: {
          section: `S ${provider}`, order: 1, title: '<i>Ciphers</i>', subtitle: 'By host', badge_text: 'beta', badge_image: picture, finding_note_names: [name], requires_configuration: true,
          elements: [
            { kind: 'NUMERIC', text: 'Weak ones', default_time_range: '1d', value_type: { kind: 'FINDING_COUNT', finding_note_names: [name], text: 'hosts' } },
            { kind: 'TIME_SERIES', text: 'By day', default_interval: 'd', default_time_range: '4d', value_types: [{ kind: 'FINDING_COUNT', finding_note_names: [name], text: 'Weak' }] },
          ],
        },
      })
      try {
        await page.reload()
        const card = page.getByRole('article').filter({ hasText: '<i>Ciphers</i>' }).filter({ hasText: provider })
        await card.getByText('waits to be configured').waitFor()
        assert.match(await card.locator('img').getAttribute('src'), /^data:image\/svg\+xml;base64,/)
        assert.ok(await card.locator('img').evaluate((image) => image.complete && image.naturalWidth > 0), 'the picture is drawn')
        assert.equal(await page.evaluate(() => window.pictureRan), undefined)
        assert.equal(await card.getByText('long').count(), 0)
        await until('it is counted', () => card.getByRole('link', { name: /Weak ones/ }).locator('strong').textContent(), (text) => text.trim() === '1')
        await check(page, 'cards of others')
        await card.getByRole('link', { name: /Weak ones/ }).click()
        await page.getByText('Weak: shop').first().waitFor()
      } finally {
        await page.evaluate((provider) => Promise.all(['notes/card', 'occurrences/one', 'notes/weak'].map((what) => fetch(`/findings/v1/default/providers/${provider}/${what}`, { method: 'DELETE' }))), provider)
      }
    },
  },
  {
    name: 'home says that nothing was found and what looked, what failed and how to go on, and how to begin',
    skip,
    async walk({ page, server }) {
      await somethingIsFound({ page, server })
      await nothingFound(page)
      await page.goto('/')
      await page.getByRole('heading', { name: 'Nothing was found in the last five days' }).waitFor()
      await page.getByText(/\d+ rules look at every event/).waitFor()
      await page.getByRole('link', { name: 'Write a rule' }).waitFor()
      await page.unroute('**/api/v1/cards?*')

      let isBroken = true
      await page.route('**/api/v1/cards?*', (route) => (isBroken ? route.fulfill(FAILURE) : route.continue()))
      await page.goto('/')
      const insights = part(page, 'Activity Insights')
      await insights.getByRole('heading', { name: 'The store does not answer' }).waitFor()
      await part(page, 'Latest findings').getByRole('listitem').first().waitFor()
      isBroken = false
      await insights.getByRole('button', { name: 'Try again' }).click()
      await insights.getByRole('link', { name: /^Identity and Access/ }).waitFor()

      await page.route('**/api/v1/status*', async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), events: 0 } }))
      await page.goto('/')
      await page.getByRole('heading', { name: 'Send your first event' }).waitFor()
      await page.unrouteAll({ behavior: 'ignoreErrors' })
    },
  },
  {
    name: 'rules show what they found by day, and are sorted by it',
    skip,
    async walk({ page, server }) {
      await somethingIsFound({ page, server })
      await page.goto('/rules')
      await page.getByRole('button', { name: 'Last 14 days' }).click()
      await until('the address has the order', () => address(page).get('sort'), (sort) => sort === '-found')
      const counts = await until('what was found most stands first', () => page.locator('td.rule-found').evaluateAll((cells) => cells.map((cell) => Number.parseInt(cell.textContent, 10) || 0)), (all) => all.length > 2 && all[0] > 0)
      assert.deepEqual(counts, counts.toSorted((a, b) => b - a))
    },
  },
  {
    name: 'home on a phone has everything in one column',
    skip,
    viewport: { width: 390, height: 844 },
    async walk({ page, server }) {
      await settled({ page, server })
      await noOverflow(page)
      await check(page, 'home on a phone')
    },
  },
  ...['light', 'dark'].map((theme) => ({
    name: `accessible, ${theme}: home`,
    theme,
    skip,
    async walk({ page, server }) {
      await settled({ page, server })
      await check(page, 'home')
      await nothingFound(page)
      await page.reload()
      await page.getByRole('heading', { name: 'Nothing was found in the last five days' }).waitFor()
      await check(page, 'nothing found')
      await page.unrouteAll({ behavior: 'ignoreErrors' })
    },
  })),
]
