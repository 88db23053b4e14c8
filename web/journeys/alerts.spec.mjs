// The inbox of alerts: what comes, what is done about it alone and by the dozen, and for whom nothing is told.
import assert from 'node:assert/strict'
import { check } from './accessibility.spec.mjs'
import { skip } from './rules.spec.mjs'
import { event, send, unique, until } from './steps.mjs'

const PHONE = { width: 390, height: 844 }
/** Rules look at what comes about once a second. */
const ALERT_MS_MAX = 30_000

export const line = (page, who) => page.getByRole('list', { name: 'Alerts', exact: true }).getByRole('listitem').filter({ hasText: who })
export const alert = (page) => page.getByRole('article', { name: 'Alert' })
export const deed = (page, name) => alert(page).getByRole('button', { name, exact: true })
const history = (page) => alert(page).getByRole('list', { name: 'Notes and history' })
const tab = (page, name) => page.getByRole('navigation', { name: 'Alerts' }).getByRole('link', { name: new RegExp(`^${name}`) })
const notice = (page, text) => page.locator('.notices').getByText(text)
const pathOf = (page) => new URL(page.url()).pathname
const noOverflow = async (page, what) => assert.equal(await page.evaluate(() => Math.max(0, ...[...document.querySelectorAll('.page, .side-body, .inbox-scroll, .alert-detail, dialog')].map((part) => part.scrollWidth - part.clientWidth), document.scrollingElement.scrollWidth - window.innerWidth)), 0, what)

/** Asks the API with the page's own session. */
const ask = (page, method, path, body) =>
  page.evaluate(async ([method, path, body]) => {
    const answer = await fetch(path, { method, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.status === 204 ? undefined : answer.json()
  }, [method, path, body])

/** A rule of this journey's own, which finds one action; each person who does it is an alert of their own. */
async function makeRule(page, level = 'high') {
  const id = unique('own-journey-')
  const rule = { id, title: `Vault ${id}`, action: `vault.${id}` }
  await page.goto('/alerts')
  await page.getByRole('heading', { name: 'Alerts', exact: true }).waitFor({ state: 'attached' })
  await ask(page, 'POST', '/api/v1/rules', { text: `title: ${rule.title}\nid: ${id}\nlevel: ${level}\nlogsource: {category: activity}\ndetection:\n  sel: {action: ${rule.action}}\n  condition: sel\n`, is_enabled: true })
  return { ...rule, inbox: `/alerts?rule=${id}`, did: (who) => event(rule.action, { initiator: { id: `id-${who}`, name: who, typeURI: 'service/security/account/user', host: { address: '192.0.2.77', agent: 'journey/1.0' } } }) }
}

/** The same with alerts of these people, the last one the newest; the inbox shows them and no others. */
export async function withAlerts(page, server, people) {
  const rule = await makeRule(page)
  for (const [at, who] of people.entries()) {
    await send(server, [rule.did(who)])
    await until(`an alert of ${who}`, () => ask(page, 'GET', `/api/v1/alerts?rule=${rule.id}`), ({ alerts }) => alerts.length === at + 1, ALERT_MS_MAX)
  }
  await page.goto(rule.inbox)
  await line(page, people[0]).waitFor()
  return rule
}

export const journeys = [
  {
    name: 'alerts: one comes by itself, is read, taken on, noted, resolved and opened again',
    skip,
    async walk({ page, server }) {
      const rule = await makeRule(page)
      await page.goto(rule.inbox)
      await page.getByRole('heading', { name: 'No alert is like that' }).waitFor()
      await send(server, [rule.did('mallory')])
      // An empty list shows what comes without being asked.
      await line(page, 'mallory').getByRole('link').click({ timeout: ALERT_MS_MAX })
      await alert(page).getByRole('heading', { level: 2, name: /mallory/ }).waitFor()
      await alert(page).getByRole('list', { name: 'Events that show it' }).getByRole('link').getByText(rule.action, { exact: true }).waitFor()
      await alert(page).getByRole('link', { name: rule.title }).waitFor()
      await alert(page).getByText('None: no channel takes such alerts yet').waitFor()

      await deed(page, 'Acknowledge').click()
      await notice(page, 'acknowledged').waitFor()
      await alert(page).locator('.alert-marks').getByText('acknowledged').waitFor()
      await history(page).getByText('You acknowledged it').waitFor()
      await until('it left the open ones', () => line(page, 'mallory').count(), (count) => count === 0)

      await deed(page, 'Take it on').click()
      await history(page).getByText('You took it on').waitFor()
      assert.equal(await deed(page, 'Take it on').count(), 0)
      await alert(page).getByRole('button', { name: /: give it to somebody$/ }).click()
      await page.getByLabel('Whom').fill('night-shift')
      await page.getByText('Nobody in this account is called so').waitFor()
      await page.getByLabel('Whom').fill('')
      await page.getByRole('button', { name: 'Nobody in particular' }).click()
      await history(page).getByText('You gave it to nobody in particular').waitFor()

      const text = 'Asked mallory.\nShe says it was the pipeline.'
      await alert(page).getByLabel('A note').fill(text)
      await page.keyboard.press('Control+Enter')
      await history(page).getByText('She says it was the pipeline.').waitFor()
      assert.equal(await alert(page).getByLabel('A note').inputValue(), '')

      await deed(page, 'Resolve').click()
      await page.getByRole('dialog').getByRole('button', { name: 'It was planned' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Resolve' }).click()
      await alert(page).locator('.alert-marks').getByText('resolved').waitFor()
      await history(page).getByText('It was planned').waitFor()
      await tab(page, 'Resolved').click()
      await line(page, 'mallory').waitFor()
      await line(page, 'mallory').getByRole('link').click()
      await deed(page, 'Open it again').click()
      await history(page).getByText('You opened it again').waitFor()
      await deed(page, 'Acknowledge').waitFor()
      await tab(page, 'Open').click()
      await line(page, 'mallory').waitFor()

      // The address is the whole state: it leads back to the alert, with its list.
      await line(page, 'mallory').getByRole('link').click()
      await page.reload()
      await alert(page).getByRole('heading', { level: 2, name: /mallory/ }).waitFor()
      await line(page, 'mallory').waitFor()
      await alert(page).getByRole('link', { name: 'All in Activity' }).click()
      await page.getByRole('grid', { name: 'Events' }).getByText('mallory').first().waitFor()
    },
  },
  {
    name: 'alerts: what comes while somebody reads is announced and moves nothing; what others did is not overwritten',
    skip,
    async walk({ page, server }) {
      const rule = await withAlerts(page, server, ['annika'])
      await line(page, 'annika').getByRole('link').click()
      await deed(page, 'Acknowledge').waitFor()
      await send(server, [rule.did('benedikt')])
      await page.getByRole('button', { name: '1 new alert: show' }).click({ timeout: ALERT_MS_MAX })
      await line(page, 'benedikt').waitFor()
      // Somebody else was quicker: what the page knows is old.
      const { alerts } = await ask(page, 'GET', `/api/v1/alerts?rule=${rule.id}`)
      const id = alerts.find((one) => one.sentence.includes('annika')).id
      await ask(page, 'POST', `/api/v1/alerts/${id}/acts`, { act: 'note', text: 'I am on it' })
      await deed(page, 'Acknowledge').click()
      const told = alert(page).getByRole('alert').filter({ hasText: 'Nothing was done' })
      const load = told.getByRole('button', { name: 'Load it as it is now' })
      await load.or(history(page).getByText('You acknowledged it')).first().waitFor()
      // The page may have asked anew just before; then there is nothing to refuse.
      if (await load.isVisible()) {
        await load.click()
        await history(page).getByText('I am on it').waitFor()
        await deed(page, 'Acknowledge').click()
      }
      await history(page).getByText('You acknowledged it').waitFor()
      await page.goto('/alerts/no-such-alert')
      await alert(page).getByRole('alert').waitFor()
    },
  },
  {
    name: 'alerts: keys walk the list, open, take on, choose and resolve',
    skip,
    async walk({ page, server }) {
      await withAlerts(page, server, ['kimora', 'louisa', 'maximo'])
      const focused = () => page.evaluate(() => document.activeElement?.closest('[data-alert]')?.textContent ?? '')
      await page.keyboard.press('j')
      assert.match(await focused(), /maximo/)
      await page.keyboard.press('j')
      assert.match(await focused(), /louisa/)
      await page.keyboard.press('k')
      await page.keyboard.press('o')
      await alert(page).getByRole('heading', { level: 2, name: /maximo/ }).waitFor()
      await page.keyboard.press('j')
      await alert(page).getByRole('heading', { level: 2, name: /louisa/ }).waitFor()
      await page.keyboard.press('Escape')
      await until('Esc closes the alert', () => pathOf(page), (path) => path === '/alerts')
      await page.keyboard.press('a')
      await notice(page, 'acknowledged').waitFor()
      await until('it left the list', () => line(page, 'louisa').count(), (count) => count === 0)
      // The next one takes its turn, and shows that it does.
      await until('the next line has the focus', focused, (text) => /kimora|maximo/.test(text))
      await page.keyboard.press('x')
      await page.getByRole('group', { name: 'Chosen alerts' }).getByText('1 chosen').waitFor()
      await page.keyboard.press('r')
      await page.getByRole('dialog').getByRole('heading', { name: /^Resolve/ }).waitFor()
      // Keys belong to the dialog: what is typed is the reason.
      await page.keyboard.type('jar')
      assert.equal(await page.getByRole('dialog').getByRole('textbox').inputValue(), 'jar')
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      // A dialog gives the focus back.
      assert.ok(await focused() !== '', 'a line has the focus after the dialog')
      await page.keyboard.press('Escape')
      await page.getByRole('group', { name: 'Chosen alerts' }).waitFor({ state: 'detached' })
      assert.equal(await line(page, 'kimora').count() + await line(page, 'maximo').count(), 2)
    },
  },
  {
    name: 'alerts: several are acknowledged, given to somebody and resolved at once, and found by whose they are',
    skip,
    async walk({ page, server }) {
      const rule = await withAlerts(page, server, ['idalia', 'jonathan', 'kaylin'])
      const bar = page.getByRole('group', { name: 'Chosen alerts' })
      await page.goto(`${rule.inbox}&status=all`)
      await line(page, 'idalia').getByRole('checkbox').check()
      await bar.getByText('1 chosen').waitFor()
      await bar.getByRole('button', { name: 'All 3' }).click()
      await bar.getByText('3 chosen').waitFor()
      await line(page, 'kaylin').getByRole('checkbox').uncheck()
      await bar.getByRole('button', { name: 'Assign' }).click()
      await page.getByRole('button', { name: 'Me', exact: true }).click()
      await notice(page, '2 alerts given to you').waitFor()
      await bar.getByRole('button', { name: 'Acknowledge' }).click()
      await notice(page, '2 alerts acknowledged').waitFor()
      await line(page, 'idalia').getByText('acknowledged', { exact: true }).waitFor()
      await line(page, 'kaylin').getByText('open', { exact: true }).waitFor()
      await bar.getByRole('button', { name: 'Choose none' }).click()
      await page.getByRole('button', { name: 'Mine' }).click()
      await line(page, 'kaylin').waitFor({ state: 'detached' })
      await line(page, 'jonathan').getByText('you', { exact: true }).waitFor()
      await line(page, 'idalia').getByRole('checkbox').check()
      await line(page, 'jonathan').getByRole('checkbox').check()
      await bar.getByRole('button', { name: 'Resolve' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('heading', { name: 'Resolve 2 alerts' }).waitFor()
      await dialog.getByRole('button', { name: 'A false alarm' }).click()
      await dialog.getByRole('button', { name: 'Resolve' }).click()
      await notice(page, '2 alerts resolved').waitFor()
      await tab(page, 'Open').click()
      await page.getByRole('heading', { name: 'No alert is like that' }).waitFor()
      await page.getByRole('button', { name: 'Take the limits away' }).click()
      await line(page, 'kaylin').waitFor()
      await page.getByLabel('Severity').selectOption('critical')
      await until('the limit stands in the address', () => new URL(page.url()).searchParams.get('severity'), (level) => level === 'critical')
      await until('high is not critical', () => line(page, 'kaylin').count(), (count) => count === 0)
    },
  },
  {
    name: 'alerts: one is silenced and tells again; a silence says of what, why and until when, and ends',
    skip,
    async walk({ page, server }) {
      const rule = await withAlerts(page, server, ['sidney'])
      await line(page, 'sidney').getByRole('link').click()
      await deed(page, 'Silence').click()
      const dialog = page.getByRole('dialog')
      assert.ok(await dialog.getByRole('button', { name: 'Silence', exact: true }).isDisabled(), 'it needs a reason')
      await dialog.getByRole('button', { name: '1 hour' }).click()
      await dialog.getByLabel('Why').fill('Keys are rolled.')
      await dialog.getByRole('button', { name: 'Silence', exact: true }).click()
      await alert(page).getByText('No channel is told of it until').waitFor()
      await line(page, 'sidney').getByText('silent').waitFor()
      await history(page).getByText('Keys are rolled.').waitFor()
      await deed(page, 'Let it tell again').click()
      await alert(page).getByText('No channel is told of it until').waitFor({ state: 'detached' })

      await page.getByRole('navigation', { name: 'Alerts' }).getByRole('link', { name: 'Silences' }).click()
      await page.getByRole('button', { name: 'Make a silence' }).click()
      const make = dialog.getByRole('button', { name: 'Make it' })
      await dialog.getByLabel('Why').fill(`A drill of ${rule.id}.`)
      assert.ok(await make.isDisabled(), 'it needs to say of what')
      await dialog.locator(`datalist option[value="${rule.id}"]`).waitFor({ state: 'attached' })
      await dialog.getByLabel('Add a rule').fill(rule.id)
      await dialog.getByRole('button', { name: `Take “${rule.title}” away` }).waitFor()
      await dialog.getByRole('button', { name: 'Add a value' }).click()
      await dialog.getByLabel('Field 1', { exact: true }).fill('initiator.name')
      await dialog.getByLabel('Value 1', { exact: true }).fill('sidney')
      await make.click()
      const row = page.getByRole('row').filter({ hasText: `A drill of ${rule.id}.` })
      await row.getByRole('link', { name: rule.title }).waitFor()
      await row.getByText('initiator.name = sidney').waitFor()
      await row.getByText('in 7 hours').or(row.getByText('in 8 hours')).waitFor()
      await row.getByRole('button', { name: /^End/ }).click()
      await dialog.getByRole('button', { name: 'End it' }).click()
      await notice(page, 'The silence is ended').waitFor()
      await row.waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'History' }).click()
      await page.getByRole('list', { name: 'History' }).getByText(`A drill of ${rule.id}.`).first().waitFor()
    },
  },
  {
    name: 'alerts fit on a phone, and everything can be done there',
    skip,
    viewport: PHONE,
    async walk({ page, server }) {
      await withAlerts(page, server, ['philippa'])
      await noOverflow(page, 'inbox')
      await line(page, 'philippa').getByRole('link').click()
      await deed(page, 'Acknowledge').waitFor()
      await alert(page).getByRole('list', { name: 'Events that show it' }).getByRole('link').first().waitFor()
      await noOverflow(page, 'alert')
      for (const [item, title] of [['Silence', 'Silence'], ['Make an exception', 'Make an exception']]) {
        await alert(page).getByRole('button', { name: 'More to do' }).click()
        await page.getByRole('menuitem', { name: item }).click()
        await page.getByRole('dialog').getByRole('heading', { name: new RegExp(`^${title}`) }).waitFor()
        await noOverflow(page, title)
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
      }
      await alert(page).getByRole('link', { name: 'Alerts', exact: true }).click()
      await line(page, 'philippa').waitFor()
      for (const [path, part] of [['/alerts/silences', '.silences-table, .state'], ['/settings/notifications', '.notice-key']]) {
        await page.goto(path)
        await page.locator(part).first().waitFor()
        await noOverflow(page, path)
        await until('the tab that is shown is in sight', () => page.locator('.settings-tabs [aria-current]').evaluateAll((tabs) => tabs.map((one) => one.getBoundingClientRect().right <= window.innerWidth)), (seen) => seen.length === 1 && seen[0])
      }
      await page.getByRole('button', { name: 'New channel' }).click()
      for (const kind of ['E-mail', 'Slack', 'Teams', 'PagerDuty', 'Webhook', 'Syslog']) {
        await page.getByRole('dialog').getByRole('radio', { name: new RegExp(`^${kind}`) }).check()
        await noOverflow(page, kind)
      }
    },
  },
  ...['light', 'dark'].map((theme) => ({
    name: `accessible, ${theme}: alerts`,
    theme,
    skip,
    async walk({ page, server }) {
      const rule = await withAlerts(page, server, ['umberto', 'victoria'])
      await check(page, 'inbox')
      await line(page, 'umberto').getByRole('checkbox').check()
      await check(page, 'one chosen')
      await page.getByRole('button', { name: 'Choose none' }).click()
      await line(page, 'umberto').getByRole('link').click()
      await alert(page).getByRole('list', { name: 'Events that show it' }).getByRole('link').first().waitFor()
      await check(page, 'alert')
      await alert(page).getByRole('button', { name: /: give it to somebody$/ }).click()
      await page.getByLabel('Whom').waitFor()
      await check(page, 'whom')
      await page.keyboard.press('Escape')
      for (const name of ['Resolve', 'Silence', 'Make an exception']) {
        await deed(page, name).click()
        await page.getByRole('dialog').waitFor()
        await check(page, name)
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
      }
      await deed(page, 'Acknowledge').click()
      await history(page).getByText('You acknowledged it').waitFor()
      await check(page, 'acknowledged')
      await page.goto(`${rule.inbox}&status=all`)
      await line(page, 'umberto').waitFor()
      await check(page, 'every status')
      await page.goto('/alerts?assignee=user:nobody-at-all')
      await page.getByRole('heading', { name: 'No alert is like that' }).waitFor()
      await check(page, 'none')
      await page.goto('/alerts/silences')
      await page.getByRole('button', { name: 'Make a silence' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Add a value' }).click()
      await check(page, 'make a silence')
    },
  })),
]
