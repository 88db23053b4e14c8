// Insights: one that comes by itself of a week of history and a burst is understood, leads to its events, and is put away
// as expected without being lost.
import assert from 'node:assert/strict'
import { check } from './accessibility.spec.mjs'
import { address, event, rows, send, total, unique, until } from './steps.mjs'

const PHONE = { width: 390, height: 844 }
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAYS = 8
const BURST = 240
const BATCH = 2000
/** History is put in order before it teaches, and a burst is noticed once its minutes are over. */
const INSIGHT_MS_MAX = 120_000

const lines = (page) => page.getByRole('list', { name: 'Insights', exact: true }).getByRole('listitem')
const line = (page, action) => lines(page).filter({ hasText: action }).first()
const insight = (page) => page.getByRole('article', { name: 'Insight' })
const notice = (page, text) => page.locator('.notices').getByText(text)
const pathOf = (page) => new URL(page.url()).pathname
const noOverflow = async (page, what) => assert.equal(await page.evaluate(() => Math.max(0, ...[...document.querySelectorAll('.unusual-list, .insight-detail, .page, dialog')].map((part) => part.scrollWidth - part.clientWidth), document.scrollingElement.scrollWidth - window.innerWidth)), 0, what)

/** Asks the API with the page's own session. */
const ask = (page, path) =>
  page.evaluate(async (path) => {
    const answer = await fetch(path)
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }, path)

let made
/** An action done about twice an hour for eight days and hundreds of times just now; once for all journeys of a server. */
export async function withBurst(page, server) {
  await page.goto('/insights')
  await page.getByRole('heading', { name: 'Insights', exact: true }).waitFor({ state: 'attached' })
  if (made?.url === server.url) return made
  // The mock has its own, and learns nothing.
  if (server.name === 'the mock') {
    made = { url: server.url, action: 'kms.secrets.delete', who: 'bob', isMock: true }
    return made
  }
  const action = `vault.${unique('rotate')}.update`
  const now = Date.now()
  const did = (time, who, address, at) => event(action, { eventTime: new Date(time).toISOString(), id: `${unique('insight-')}${at}`, initiator: { id: `id-${who}`, name: who, typeURI: 'service/security/account/user', host: { address, agent: 'journey/1.0' } } })
  const history = []
  for (let time = now - DAYS * 24 * HOUR_MS; time < now - HOUR_MS; time += 31 * MINUTE_MS) history.push(did(time, 'ines', '192.0.2.61', history.length))
  for (let at = 0; at < history.length; at += BATCH) await send(server, history.slice(at, at + BATCH))
  // It happened lately, so that it is over in the order of things without waiting for minutes to pass.
  await send(server, Array.from({ length: BURST }, (_, at) => did(now - 14 * MINUTE_MS + (at * 12 * MINUTE_MS) / BURST, 'mallory', '198.51.100.66', at)))
  await send(server, [did(now, 'ines', '192.0.2.61', 'last')])
  await until(`an insight of ${action}`, () => ask(page, `/api/v1/insights?event_name=${encodeURIComponent(action)}`), ({ insights }) => insights.length > 0, INSIGHT_MS_MAX)
  made = { url: server.url, action, who: 'mallory', isMock: false }
  return made
}

export const journeys = [
  {
    name: 'insights: an open one is found by its card, understood, and leads to its events',
    async walk({ page, server }) {
      const { action, who } = await withBurst(page, server)
      await page.goto('/insights')
      await line(page, action).waitFor()
      await page.getByRole('list', { name: 'Insights by kind' }).getByRole('link', { name: /^Call rate/ }).click()
      await page.waitForURL(/insight_type=ApiCallRateInsight/)
      await page.getByRole('application', { name: /^Insights over time/ }).waitFor()
      await line(page, action).getByRole('link').click()
      await insight(page).getByRole('heading', { level: 2, name: action }).waitFor()
      assert.equal(address(page).get('insight_type'), 'ApiCallRateInsight')

      // The chart says in words what it shows, and is a table too.
      const summary = insight(page).locator('[data-band-summary]')
      await until('the chart is told', () => summary.textContent(), (text) => /above what is usual/.test(text ?? ''))
      await insight(page).getByRole('button', { name: '1 h', exact: true }).click()
      await page.waitForURL(/period=3600/)
      await insight(page).getByRole('button', { name: 'As table' }).click()
      await insight(page).getByRole('columnheader', { name: 'Usual up to' }).waitFor()
      await insight(page).getByText(/19 of 20 such windows|first days of other new actions/).waitFor()
      await check(page, 'insight')

      const contributor = insight(page).getByRole('table', { name: 'Who' }).getByRole('row', { name: new RegExp(who) })
      await contributor.getByRole('link').click()
      await page.waitForURL(/\/activity/)
      assert.match(address(page).get('q'), new RegExp(`initiator\\.name:==${who}`))
      await page.goBack()
      await insight(page).getByRole('link', { name: /^Show the [\d,]+ events$/ }).click()
      await rows(page).first().waitFor()
      assert.ok(address(page).get('q').includes(action))
      assert.ok((await total(page)) > 0)
    },
  },
  {
    name: 'insights: one is useful, then expected; it leaves the list, is kept, and comes back when that is taken back',
    async walk({ page, server }) {
      const { action } = await withBurst(page, server)
      await page.goto(`/insights?event_name=${encodeURIComponent(action)}`)
      await line(page, action).getByRole('link').click()
      await insight(page).getByRole('button', { name: 'Useful', exact: true }).click()
      await page.getByRole('dialog').getByLabel(/^What came of it/).fill('Somebody looked')
      await page.getByRole('dialog').getByRole('button', { name: 'Useful', exact: true }).click()
      await insight(page).getByText('Somebody looked').waitFor()
      await insight(page).getByRole('button', { name: 'Take it back' }).click()
      await notice(page, 'Taken back').waitFor()

      await insight(page).getByRole('button', { name: 'Expected', exact: true }).click()
      const dialog = page.getByRole('dialog')
      assert.equal(await dialog.getByRole('button', { name: 'Expected', exact: true }).isDisabled(), true)
      await dialog.getByRole('radio', { name: /^From now on/ }).check()
      await dialog.getByText(/Would have silenced \d+ of \d+/).waitFor()
      // Nothing has so odd an action: the preview follows.
      await dialog.getByRole('textbox', { name: 'Action, value' }).fill('nothing.such')
      await dialog.getByText(/Would have silenced 0 of \d+/).waitFor()
      await dialog.getByRole('radio', { name: /^This once/ }).check()
      await dialog.getByLabel('Why it was expected').fill('The rotation of keys')
      await check(page, 'expected')
      await dialog.getByRole('button', { name: 'Expected', exact: true }).click()
      await notice(page, 'Left out of the list').waitFor()
      await until('it left the list', () => line(page, action).count(), (found) => found === 0)
      await insight(page).getByText('The rotation of keys').waitFor()
      const kept = pathOf(page)

      await page.goto(`/insights?event_name=${encodeURIComponent(action)}`)
      await page.getByRole('heading', { name: 'No insight is like that' }).waitFor()
      await page.getByRole('checkbox', { name: /^Also expected/ }).check()
      await line(page, action).getByText('expected', { exact: true }).waitFor()
      await line(page, action).getByRole('link').click()
      assert.equal(pathOf(page), kept)
      await insight(page).getByRole('button', { name: 'Take it back' }).click()
      await notice(page, 'Taken back').waitFor()
      await page.goto(`/insights?event_name=${encodeURIComponent(action)}`)
      await line(page, action).waitFor()
    },
  },
  {
    name: 'insights: an alert on one leads to it, and a search of their events finds it',
    skip: () => (process.env.WHODID_JOURNEY_URL ? undefined : 'the mock makes no alerts of insights'),
    async walk({ page, server }) {
      const { action } = await withBurst(page, server)
      const alert = await until('an alert of it', () => ask(page, '/api/v1/alerts?limit=100').then(({ alerts }) => alerts.find((one) => one.insight !== undefined && one.sentence.includes(action))), (found) => found !== undefined, INSIGHT_MS_MAX)
      await page.goto(`/alerts/${alert.id}`)
      await page.getByRole('link', { name: 'Open the insight' }).click()
      await insight(page).getByRole('heading', { level: 2, name: action }).waitFor()
      assert.equal(pathOf(page), `/insights/${alert.insight}`)

      await page.goto(`/activity?stream=insights&q=action:===whodid.insight.start+requestData.isPast:===false+requestData.eventName:===${encodeURIComponent(action)}`)
      await page.getByRole('heading', { name: 'Events of insights' }).waitFor()
      await rows(page).first().getByText(action).waitFor()
      await check(page, 'events of insights')
    },
  },
  {
    name: 'insights: a pattern is said beforehand, previewed, listed and deleted',
    async walk({ page, server }) {
      await withBurst(page, server)
      await page.goto('/insights/expected')
      await page.getByRole('button', { name: 'Add a pattern' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('Choose at least one thing').first().waitFor()
      const action = `${unique('load')}.*`
      await dialog.getByRole('textbox', { name: 'Action, value' }).fill(action)
      await dialog.getByText(/Would have silenced 0 of \d+/).waitFor()
      await dialog.getByRole('button', { name: '7 days' }).click()
      await dialog.getByLabel('Why they are expected').fill('The load test of every Tuesday')
      await dialog.getByRole('button', { name: 'Add the pattern' }).click()
      const row = page.getByRole('table', { name: 'Expected from now on' }).getByRole('row').filter({ hasText: action })
      await row.getByText('The load test of every Tuesday').waitFor()
      await check(page, 'expected from now on')
      await row.getByRole('button', { name: /^Delete the pattern/ }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click()
      await until('the pattern is gone', () => row.count(), (found) => found === 0)
    },
  },
  {
    name: 'insights: a kind is switched off and on, and sensitivity is changed and kept',
    async walk({ page, server }) {
      await withBurst(page, server)
      await page.goto('/insights/settings')
      const kind = page.getByRole('switch', { name: 'Access key' })
      const before = await kind.isChecked()
      await kind.click()
      await notice(page, `“Access key” is ${before ? 'off' : 'on'}`).waitFor()
      await page.reload()
      await until('the kind is kept', () => kind.isChecked(), (now) => now === !before)
      await kind.click()
      await notice(page, `“Access key” is ${before ? 'on' : 'off'}`).waitFor()
      const sensitivity = (name) => page.getByRole('radio', { name: new RegExp(`^${name}`) })
      await sensitivity('High').click()
      await notice(page, 'Sensitivity is high now').waitFor()
      await until('the choice stands', () => sensitivity('High').isChecked(), Boolean)
      await sensitivity('Normal').click()
      await notice(page, 'Sensitivity is normal now').waitFor()
      await check(page, 'settings of insights')
    },
  },
  {
    name: 'insights: by keys alone, and from a value and a person of an event',
    async walk({ page, server }) {
      const { action, who } = await withBurst(page, server)
      await page.goto('/activity')
      await rows(page).first().waitFor()
      await page.keyboard.press('g')
      await page.keyboard.press('i')
      await lines(page).first().waitFor()
      await page.keyboard.press('j')
      await page.keyboard.press('Enter')
      await insight(page).getByRole('heading', { level: 2 }).waitFor()
      await page.keyboard.press('Escape')
      await until('the list is back', () => pathOf(page), (path) => path === '/insights')

      await page.goto(`/activity?from=now-30d&q=action:===${encodeURIComponent(action)}+initiator.name:==${who}`)
      await rows(page).first().click()
      const drawer = page.getByRole('complementary', { name: 'Event', exact: true })
      await drawer.getByRole('button', { name: 'Profile of this user' }).click()
      await drawer.getByRole('heading', { name: 'Usual hours' }).waitFor()
      await check(page, 'profile')
      await drawer.getByRole('button', { name: new RegExp(`: ${action.replaceAll('.', '\\.')}$`) }).first().click()
      await page.getByRole('menuitem', { name: 'Insights about this' }).click()
      await page.waitForURL(/\/insights\?event_name=/)
      await line(page, action).waitFor()
    },
  },
  {
    name: 'insights: on a phone, in the dark',
    theme: 'dark',
    viewport: PHONE,
    async walk({ page, server }) {
      const { action } = await withBurst(page, server)
      await page.goto('/insights')
      await line(page, action).waitFor()
      await noOverflow(page, 'list')
      await check(page, 'list on a phone')
      await line(page, action).getByRole('link').click()
      await insight(page).getByRole('heading', { level: 2 }).waitFor()
      assert.equal(await lines(page).first().isVisible(), false)
      await insight(page).getByText('What it is made of').waitFor()
      await noOverflow(page, 'insight')
      await check(page, 'insight on a phone')
      await insight(page).getByRole('link', { name: 'All insights' }).click()
      await line(page, action).waitFor()
    },
  },
]
