// Alerts on searches: made from Activity, told of, changed, switched off and deleted; presets. Needs the real engine, which the mock has not.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { event, send, unique, until } from './steps.mjs'

const skip = () => (process.env.WHODID_JOURNEY_URL ? undefined : 'the mock watches no searches')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const dialog = (page) => page.getByRole('dialog')
const row = (page, name) => page.getByRole('row').filter({ has: page.getByRole('button', { name, exact: true }) })
const side = (page) => page.getByRole('complementary', { name: 'Alert on a search' })

async function isAccessible(page, what) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] }))
  assert.deepEqual(violations.map((violation) => `${violation.id}: ${violation.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(', ')}`), [], what)
}

async function fits(page, what) {
  const over = await page.evaluate(() => Math.max(0, ...[...document.querySelectorAll('.page, .side-body, dialog')].map((part) => part.scrollWidth - part.clientWidth), document.scrollingElement.scrollWidth - window.innerWidth))
  assert.equal(over, 0, `${what}: nothing is wider than the screen`)
}

/** As the page itself asks, without its forms. */
const ask = (page, method, path, body) =>
  page.evaluate(async ([way, where, what]) => {
    const answer = await fetch(where, { method: way, headers: { 'content-type': 'application/json' }, ...(what ? { body: JSON.stringify(what) } : {}) })
    return answer.status === 204 ? undefined : answer.json()
  }, [method, path, body])

const ONCE = { operator: 'presence', trigger_limit: 1, trigger_interval: '1m', immediate: true }

export const journeys = [
  {
    name: 'a search in Activity becomes an alert: events come, it is in the inbox, is changed, switched off and deleted',
    skip,
    async walk({ page, server }) {
      const name = unique('Searched ')
      const action = unique('journey.watched')
      await page.goto(`/activity?q=action:==${action}`)
      const entry = page.getByRole('button', { name: 'Create alert' })
      await entry.focus()
      await page.keyboard.press('Enter')
      const search = dialog(page).getByLabel('Search', { exact: true })
      await search.waitFor()
      assert.equal(await search.inputValue(), `action:==${action}`, 'it begins with what was searched')
      await dialog(page).getByText('Nothing matched in the last 24 hours').waitFor()

      // A mistake is shown while it is typed, and what only the server knows at the field it names.
      await search.fill(`(action:==${action}`)
      await dialog(page).getByText('never closed').waitFor()
      await dialog(page).getByLabel('Name').fill(name)
      const make = dialog(page).getByRole('button', { name: 'Make the alert' })
      assert.ok(await make.isDisabled())
      await search.fill('eventTime:>now-1h')
      await until('it can be sent', () => make.isEnabled(), Boolean)
      await make.click()
      await dialog(page).getByRole('alert').filter({ hasText: /relative to now/ }).waitFor()
      await search.fill(`action:==${action}`)

      await dialog(page).getByLabel('Severity').selectOption('high')
      await dialog(page).getByLabel('How many events').fill('2')
      await dialog(page).getByLabel('Within how long').selectOption('15m')
      // Absence has no “at once”.
      await dialog(page).getByLabel('What is waited for').selectOption('absence')
      assert.equal(await dialog(page).getByLabel('at once, when there are so many').count(), 0)
      await dialog(page).getByLabel('What is waited for').selectOption('presence')
      await dialog(page).getByLabel('at once, when there are so many').uncheck()
      await dialog(page).getByText('Choose when it is told').waitFor()
      assert.ok(await make.isDisabled())
      await dialog(page).getByLabel('at once, when there are so many').check()
      await isAccessible(page, 'the dialog')
      await make.click()
      await page.getByText(`“${name}” is watched from now on`).waitFor()
      assert.equal(new URL(page.url()).pathname, '/activity', 'whoever searches goes on searching')

      await page.getByRole('link', { name: /^Alerts/ }).click()
      await page.getByRole('navigation', { name: 'Alerts' }).getByRole('link', { name: 'Searches' }).click()
      await row(page, name).getByText('2 or more within 15 minutes, told at once').waitFor()
      await row(page, name).getByText('inbox only').waitFor()
      assert.equal(await row(page, name).getByRole('link', { name: `action:==${action}` }).getAttribute('href'), `/activity?q=action:==${action}`)
      await isAccessible(page, 'the list')

      // It may take a second until it is watched.
      await page.waitForTimeout(1500)
      await send(server, [event(action), event(action)])
      await page.goto('/alerts')
      const line = page.getByText(name).first()
      await until('the alert is in the inbox', async () => {
        if ((await line.count()) > 0) return true
        await page.waitForTimeout(700)
        await page.reload()
        await page.waitForTimeout(700)
        return (await line.count()) > 0
      }, Boolean, 25_000)
      await line.click()
      const article = page.getByRole('article', { name: 'Alert' })
      await article.getByRole('heading', { level: 2 }).filter({ hasText: '2 events matched' }).waitFor()
      assert.match(await article.getByRole('list', { name: 'The search' }).getByRole('link').getAttribute('href'), /^\/activity\?q=action:==/)
      assert.equal(await article.getByRole('button', { name: 'Make an exception' }).count(), 0, 'a search has no exceptions')
      await isAccessible(page, 'the alert')
      await article.getByRole('link', { name, exact: true }).click()
      await side(page).getByRole('heading', { name }).waitFor()
      await isAccessible(page, 'the alert on a search')

      await side(page).getByRole('button', { name: 'Change' }).click()
      await dialog(page).getByLabel('How many events').fill('20')
      await dialog(page).getByLabel('Quiet times: then nothing is told').check()
      await dialog(page).getByRole('button', { name: 'At some hours' }).click()
      await dialog(page).getByText('of the next day').waitFor()
      await dialog(page).getByLabel('By the clock of').fill('Mars/Olympus')
      await dialog(page).getByRole('button', { name: 'Save' }).click()
      await dialog(page).getByRole('alert').filter({ hasText: 'Is no time zone' }).waitFor()
      await dialog(page).getByLabel('By the clock of').fill('Europe/Berlin')
      await dialog(page).getByRole('button', { name: 'Save' }).click()
      await page.getByText(`“${name}” is changed`).waitFor()
      await side(page).getByText('quiet on Sat and Sun, 22:00–06:00 (Europe/Berlin)').waitFor()
      await page.keyboard.press('Escape')
      await row(page, name).getByText('20 or more').waitFor()
      await row(page, name).getByRole('switch').click()
      await page.getByText(`“${name}” is off`).waitFor()
      await until('it is off', () => row(page, name).getByRole('switch').isChecked(), (isOn) => !isOn)

      await row(page, name).getByRole('button', { name }).click()
      await side(page).getByRole('button', { name: 'Delete' }).click()
      await dialog(page).getByRole('button', { name: 'Delete' }).click()
      await page.getByText(`“${name}” is deleted`).waitFor()
      await until('it is gone', () => row(page, name).count(), (count) => count === 0)
    },
  },
  {
    name: 'a preset is made, chosen by an alert, and says what ends with it',
    skip,
    async walk({ page }) {
      const name = unique('Preset ')
      const alert = unique('With preset ')
      await page.goto('/alerts/searches')
      const found = await ask(page, 'GET', '/api/v1/channels')
      const channel = found.channels[0] ?? (await ask(page, 'POST', '/api/v1/channels', { name: unique('Channel '), severities: ['critical'], sources: [], rate_limit: 60, time_zone: 'UTC', receiver: { type: 'slack', url: 'https://hooks.slack.com/services/T000/B000/XXXX' } }))
      await page.reload()
      await page.getByRole('button', { name: 'New preset' }).click()
      await dialog(page).getByLabel('Name').fill(name)
      await dialog(page).getByLabel('Channel 1').selectOption(channel.id)
      await dialog(page).getByLabel('How many events').fill('3')
      await isAccessible(page, 'the dialog of a preset')
      await dialog(page).getByRole('button', { name: 'Make the preset' }).click()
      await page.getByText(`The preset “${name}” is made`).waitFor()

      await page.getByRole('button', { name: 'New alert' }).click()
      await dialog(page).getByLabel('Name').fill(alert)
      await dialog(page).getByLabel('Search', { exact: true }).fill(`action:==${unique('journey.preset')}`)
      await dialog(page).getByRole('radio', { name: /^A preset/ }).check()
      await dialog(page).getByLabel('Preset', { exact: true }).selectOption({ label: name })
      await dialog(page).getByText('3 or more within 5 minutes, told at once').waitFor()
      await dialog(page).getByRole('button', { name: 'Make the alert' }).click()
      await row(page, alert).getByText(name).waitFor()

      await page.getByRole('button', { name: `Delete the preset ${name}` }).click()
      await dialog(page).getByText('This alert ends with it').waitFor()
      await dialog(page).getByRole('listitem').filter({ hasText: alert }).waitFor()
      await isAccessible(page, 'what ends with it')
      await dialog(page).getByRole('button', { name: 'Delete it and the alert' }).click()
      await page.getByText(`The preset “${name}” is deleted`).waitFor()
      await until('the alert ended with it', () => row(page, alert).count(), (count) => count === 0)
    },
  },
  ...['light', 'dark'].map((theme) => ({
    name: `alerts on searches on a phone, ${theme}`,
    skip,
    theme,
    viewport: { width: 390, height: 844 },
    async walk({ page }) {
      const name = unique('On a phone ')
      await page.goto('/alerts/searches')
      const made = await ask(page, 'POST', '/api/v1/search-alerts', { name, q: `action:==[${unique('journey.a.rather.long.name.of.an.action')},other] initiator.name:==somebody`, trigger: ONCE })
      await page.reload()
      await row(page, name).waitFor()
      await fits(page, 'the list')
      await isAccessible(page, 'the list')
      await row(page, name).getByRole('button', { name }).click()
      await side(page).getByText('1 or more within 1 minute, told at once').waitFor()
      await fits(page, 'one of them')
      await side(page).getByRole('button', { name: 'Change' }).click()
      await dialog(page).getByLabel('Quiet times: then nothing is told').check()
      await dialog(page).getByRole('button', { name: 'At some hours' }).click()
      await fits(page, 'the dialog')
      await isAccessible(page, 'the dialog')
      await ask(page, 'DELETE', `/api/v1/search-alerts/${made.id}`)
    },
  })),
]
