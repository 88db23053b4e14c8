// Channels, and the whole way of an alert: from a rule that is written to a receiver that is told, on a server that may reach it.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { check } from './accessibility.spec.mjs'
import { alert, deed, line } from './alerts.spec.mjs'
import { freePort, skip, withServer } from './own-server.mjs'
import { backtest, report, sum } from './rules.spec.mjs'
import { event, send, until } from './steps.mjs'

const SECRET = 'a-shared-key-of-a-journey'
const TOKEN = 'Bearer journey-token-0123456789'
const ALERT_MS_MAX = 30_000

/** Takes what channels send, and answers as `status` says. */
async function receiver() {
  const taken = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => { body += part })
    request.on('end', () => {
      taken.push({ headers: request.headers, body })
      response.writeHead(receives.status)
      response.end(receives.status === 200 ? 'thank you' : 'come back later')
    })
  })
  await new Promise((resolve, reject) => { server.once('error', reject).listen(0, '127.0.0.1', resolve) })
  const { port } = server.address()
  const receives = { status: 200, taken, port, url: `http://127.0.0.1:${port}/in`, notices: () => taken.map(({ body }) => JSON.parse(body)), close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections() }) }
  return receives
}

/** A server whose channels may reach the receiver, with an administrator signed in. */
async function withReceiver({ context, theme }, walk) {
  const hook = await receiver()
  try {
    const settings = { WHODID_CHANNELS__ALLOW: '127.0.0.0/8', WHODID_CHANNELS__ALLOW_PORTS: String(hook.port), WHODID_CHANNELS__ALLOW_HTTP: 'true' }
    await withServer(await freePort(), settings, async (server) => {
      const own = await context.browser().newContext({ baseURL: server.url, viewport: { width: 1440, height: 900 }, colorScheme: theme ?? 'light', timezoneId: 'Europe/Berlin', locale: 'en-GB' })
      const page = await own.newPage()
      page.setDefaultTimeout(20_000)
      await page.goto(server.link)
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Rules', exact: true }).waitFor()
      await walk({ page, server, hook })
      await own.close()
    })
  } finally {
    await hook.close()
  }
}

const dialog = (page) => page.getByRole('dialog')
const side = (page) => page.getByRole('complementary', { name: 'Channel' })
const log = (page) => side(page).getByRole('list', { name: 'Deliveries' })

/** Makes a webhook with a header and a signature, both secret; its page is open afterwards. */
async function makeWebhook(page, hook, name = 'On call') {
  await page.goto('/settings/notifications')
  await page.getByRole('button', { name: 'New channel' }).click()
  await dialog(page).getByRole('radio', { name: /^Webhook/ }).check()
  await dialog(page).getByLabel('Name', { exact: true }).fill(name)
  await dialog(page).getByLabel('Address', { exact: true }).fill(hook.url)
  await dialog(page).getByRole('button', { name: 'Add a header' }).click()
  await dialog(page).getByLabel('Name of header 1').fill('Authorization')
  await dialog(page).getByLabel('Value of header 1').fill(TOKEN)
  await dialog(page).getByLabel('Signature').selectOption('hmac')
  await dialog(page).getByLabel('Shared key').fill(SECRET)
  await dialog(page).getByRole('button', { name: 'Make the channel' }).click()
  await side(page).getByRole('heading', { name }).waitFor()
}

function isSigned({ headers, body }) {
  const [, at, sum] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(headers['x-whodid-signature'] ?? '') ?? []
  return sum === createHmac('sha256', SECRET).update(`${at}.${body}`).digest('hex')
}

const by = (name) => ({ initiator: { id: `id-${name}`, name, typeURI: 'service/security/account/user', host: { address: '192.0.2.66', agent: 'journey/1.0' } } })
const hoursAgo = (hours) => ({ eventTime: new Date(Date.now() - hours * 3_600_000).toISOString() })

export const journeys = [
  {
    name: 'alerts, the whole way: a rule is written, tried, run over what is stored and switched on; an event makes an alert and tells a receiver; an exception from the alert keeps the next one quiet and visible',
    skip,
    walk: (start) =>
      withReceiver(start, async ({ page, server, hook }) => {
        // What happened before there was a rule, looked at long before it is switched on.
        await send(server, [event('vault.open', { ...by('ingrid'), ...hoursAgo(50) }), event('vault.open', { ...by('ottmar'), ...hoursAgo(3) }), event('vault.open', { ...by('ingrid'), ...hoursAgo(2) }), event('vault.shut', { ...by('ingrid'), ...hoursAgo(1) })])
        await makeWebhook(page, hook)
        const read = (path) => page.evaluate((path) => fetch(path).then((answer) => answer.json()), path)
        /** What the receiver was told of the rule: what happened, and of whom. */
        const ofRule = () => hook.notices().filter((told) => told.rule_id === rule.id).map((told) => `${told.event} ${told.group.map((pair) => pair.value).join()}`)

        // Written and tried.
        const rule = { id: 'own-vault-opened', title: 'Vault opened by hand' }
        const sample = JSON.stringify({ eventTime: '2026-03-02T10:00:00Z', action: 'vault.open', outcome: 'success', initiator: { id: 'a', name: 'alice' }, target: { id: 't', name: 't' } })
        await page.goto('/rules/new')
        await page.getByRole('textbox', { name: 'YAML of the rule' }).fill(`title: ${rule.title}\nid: ${rule.id}\nlevel: high\nlogsource: {category: activity}\ndetection:\n  sel: {action: vault.open}\n  condition: sel\ntests:\n  - name: opened\n    event: ${sample}\n    expect: match\n`)
        await page.getByText('The rule can be used').waitFor()
        await page.getByText('Its test passes').waitFor()
        await page.getByRole('switch', { name: /^Run/ }).uncheck()
        await page.getByRole('button', { name: 'Save the rule' }).click()
        await page.getByRole('heading', { name: rule.title }).waitFor()
        await page.getByRole('tab', { name: 'Try', exact: true }).click()
        await page.getByLabel(/^Events, one JSON/).fill(sample)
        await page.getByRole('button', { name: /^Try/ }).click()
        await page.getByText('1 of 1 event matched').waitFor()

        // Run over what is stored: how much, how often, by whom. Nobody is told of that.
        await page.getByRole('tab', { name: 'Backtest' }).click()
        await backtest(page)
        assert.equal(await sum(page, 'Matches').innerText(), '3')
        assert.equal(await sum(page, 'Findings').innerText(), '3')
        assert.equal(await sum(page, 'Noise').innerText(), '1 in 10 days')
        await report(page).getByRole('listitem').filter({ has: page.getByRole('link', { name: 'ingrid', exact: true }) }).getByText('2', { exact: true }).waitFor()
        await until('what was sent before is looked at', async () => (await read('/api/v1/rules')).detection?.behind ?? 0, (behind) => behind === 0, ALERT_MS_MAX)
        assert.deepEqual((await read(`/api/v1/alerts?rule=${rule.id}`)).alerts, [])
        assert.deepEqual(ofRule(), [])

        // Switched on.
        await page.getByRole('switch', { name: /^Run/ }).click()
        await page.getByText(`“${rule.title}” is on`).waitFor()
        await send(server, [event('vault.open', by('evelyn'))])

        // In the inbox, and at the receiver.
        await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: /^Alerts/ }).click()
        await line(page, rule.title).getByRole('link').click({ timeout: ALERT_MS_MAX })
        await alert(page).getByRole('heading', { level: 2, name: /evelyn/ }).waitFor()
        await until('the receiver was told', ofRule, (told) => told.length > 0, ALERT_MS_MAX)
        assert.deepEqual(ofRule(), ['opened evelyn'])
        assert.ok(hook.taken.every(isSigned), 'each notice is signed')
        assert.ok(hook.taken.every(({ headers }) => headers.authorization === TOKEN))
        const told = alert(page).locator('.told-list').getByRole('listitem')
        await told.filter({ hasText: 'On call' }).filter({ hasText: 'that it opened' }).getByText('delivered').waitFor()
        await deed(page, 'Acknowledge').click()
        await alert(page).getByRole('list', { name: 'Notes and history' }).getByText('You acknowledged it').waitFor()

        // One click, filled in; only the reason is the person's.
        await deed(page, 'Make an exception').click()
        await dialog(page).getByRole('button', { name: `Take “${rule.title}” away` }).waitFor()
        assert.equal(await dialog(page).getByLabel('Field 1').inputValue(), 'initiator.name')
        assert.equal(await dialog(page).getByLabel('Value 1').inputValue(), 'evelyn')
        await dialog(page).getByLabel('Why it is right').fill('Evelyn is on call this week.')
        await dialog(page).getByRole('button', { name: 'Make it' }).click()
        // What is right needs nobody: the alert is offered to be resolved, with that reason.
        await dialog(page).getByRole('heading', { name: /^Resolve/ }).waitFor()
        assert.match(await dialog(page).getByRole('textbox').inputValue(), /Evelyn is on call this week/)
        await dialog(page).getByRole('button', { name: 'Resolve' }).click()
        await alert(page).locator('.alert-marks').getByText('resolved').waitFor()

        // The same again is kept as silenced, and nobody is told.
        await send(server, [event('vault.open', by('evelyn'))])
        const silenced = await until('the finding is kept', () => read(`/api/v1/events?stream=findings&q=${encodeURIComponent(`target.id:==${rule.id} requestData.silencedBy:*`)}`), (answer) => (answer.events?.length ?? 0) > 0, ALERT_MS_MAX)
        assert.equal(silenced.events.length, 1)
        // Another person is told of as ever, which also shows that the silenced one had its time.
        await send(server, [event('vault.open', by('malcolm'))])
        await until('the receiver was told of another person', ofRule, (all) => all.includes('opened malcolm'), ALERT_MS_MAX)
        assert.deepEqual(ofRule().filter((told) => told.endsWith('evelyn')), ['opened evelyn', 'acknowledged evelyn', 'resolved evelyn'], 'what evelyn did again is told to nobody')
        const { alerts } = await read(`/api/v1/alerts?rule=${rule.id}`)
        assert.deepEqual(alerts.map((one) => [one.group.map((pair) => pair.value).join(), one.status, one.findings]).sort(), [['evelyn', 'resolved', 1], ['malcolm', 'open', 1]])
        await page.goto(`/rules/rule/${rule.id}?part=exceptions`)
        await page.getByRole('tabpanel').getByText('Evelyn is on call this week.').waitFor()
      }),
  },
  {
    name: 'alerts: a channel is made, tried, changed without its secrets being shown or lost, switched off and deleted',
    skip,
    walk: (start) =>
      withReceiver(start, async ({ page, hook }) => {
        await page.goto('/settings/notifications')
        await page.getByRole('heading', { name: 'Nobody is told yet' }).waitFor()
        // What may not be reached is refused in words.
        await page.getByRole('button', { name: 'Make the first channel' }).click()
        await dialog(page).getByRole('radio', { name: /^Webhook/ }).check()
        await dialog(page).getByLabel('Name', { exact: true }).fill('Metadata')
        await dialog(page).getByLabel('Address', { exact: true }).fill('https://169.254.169.254/latest')
        await dialog(page).getByRole('button', { name: 'Make the channel' }).click()
        await dialog(page).getByRole('alert').filter({ hasText: /not public|refused/ }).waitFor()
        await page.keyboard.press('Escape')

        await makeWebhook(page, hook)
        await log(page).or(side(page).getByText('None yet. Send a test')).first().waitFor()
        hook.taken.length = 0
        await side(page).getByRole('button', { name: 'Send a test' }).click()
        const answer = side(page).getByRole('status')
        await answer.getByText('The test arrived').waitFor()
        await answer.getByText('200').waitFor()
        await answer.getByText('thank you').waitFor()
        const test = hook.taken.find(({ body }) => body.includes('"test"'))
        assert.ok(test && isSigned(test), 'the test is signed')
        assert.equal(test.headers.authorization, TOKEN)
        await log(page).locator('summary').first().click()
        await log(page).getByText('thank you').first().waitFor()

        // A receiver that is ill says why, and how often it was tried.
        hook.status = 503
        await side(page).getByRole('button', { name: 'Send a test' }).click()
        await answer.getByText('The test did not arrive').waitFor()
        await answer.getByText('come back later').waitFor()
        await log(page).getByText('failed').first().waitFor()
        hook.status = 200

        // Nothing on the page has a secret, and a change keeps them.
        const shows = () => page.evaluate(() => `${document.body.innerText} ${[...document.querySelectorAll('input, textarea')].map((field) => field.value).join(' ')}`)
        await side(page).getByRole('button', { name: 'Change' }).click()
        await dialog(page).getByRole('button', { name: 'Enter another: Shared key' }).waitFor()
        const seen = await shows()
        assert.ok(!seen.includes(SECRET) && !seen.includes(TOKEN), 'secrets are masked')
        const canSave = () => dialog(page).getByRole('button', { name: 'Save' }).isEnabled()
        for (const other of ['https://elsewhere.example.com/in', `${hook.url}/other`, `${hook.url}?to=other`]) {
          await dialog(page).getByLabel('Address', { exact: true }).fill(other)
          await dialog(page).getByText('enter the secrets again').waitFor()
          assert.equal(await canSave(), false, other)
          await dialog(page).getByLabel('Address', { exact: true }).fill(hook.url)
          await until('the same address keeps the secrets', canSave, Boolean)
        }
        await dialog(page).getByLabel('What it is for (optional)').fill('Whoever is awake')
        await dialog(page).getByRole('button', { name: 'Save' }).click()
        await page.getByRole('row').getByText('Whoever is awake').waitFor()
        hook.taken.length = 0
        await side(page).getByRole('button', { name: 'Send a test' }).click()
        await answer.getByText('The test arrived').waitFor()
        assert.ok(hook.taken.some((one) => one.body.includes('"test"') && isSigned(one) && one.headers.authorization === TOKEN), 'the secrets are kept')

        // What is older comes a page at a time; with the last page the focus goes to the heading.
        await page.route(/\/deliveries(\?|$)/, (route) => {
          const url = new URL(route.request().url())
          url.searchParams.set('limit', '2')
          return route.continue({ url: url.href })
        })
        await page.reload()
        const logged = () => log(page).locator(':scope > li').count()
        await until('a page is short', logged, (count) => count === 2)
        const older = side(page).getByRole('button', { name: 'Older deliveries' })
        while (await older.count() > 0) {
          const before = await logged()
          await older.press('Enter')
          await until('older ones came', logged, (count) => count > before)
          await until('the next page can be asked for', () => side(page).getByText('Loading…').count(), (count) => count === 0)
        }
        await side(page).getByText('That is all').waitFor()
        assert.ok(await logged() >= 3)
        await until('the focus stays in the log', () => page.evaluate(() => document.activeElement?.textContent?.trim()), (text) => text === 'Deliveries')
        await page.unroute(/\/deliveries(\?|$)/)

        await side(page).getByRole('button', { name: 'Close' }).click()
        await page.getByRole('switch', { name: 'Tell “On call”' }).click()
        await page.getByText('“On call” is off').waitFor()
        await page.getByRole('button', { name: 'On call', exact: true }).click()
        await side(page).getByRole('button', { name: 'Delete' }).click()
        await dialog(page).getByRole('button', { name: 'Delete' }).click()
        await page.getByRole('heading', { name: 'Nobody is told yet' }).waitFor()
      }),
  },
  ...['light', 'dark'].map((theme) => ({
    name: `accessible, ${theme}: channels of alerts`,
    skip,
    theme,
    walk: (start) =>
      withReceiver({ ...start, theme }, async ({ page, hook }) => {
        await page.goto('/settings/notifications')
        await page.getByRole('heading', { name: 'Nobody is told yet' }).waitFor()
        await check(page, 'no channel')
        await page.getByRole('button', { name: 'New channel' }).click()
        for (const kind of ['E-mail', 'Slack', 'Teams', 'PagerDuty', 'Webhook', 'Syslog']) {
          await dialog(page).getByRole('radio', { name: new RegExp(`^${kind}`) }).check()
          await check(page, kind)
        }
        await page.keyboard.press('Escape')
        await makeWebhook(page, hook)
        await side(page).getByRole('button', { name: 'Send a test' }).click()
        await side(page).getByText('The test arrived').waitFor()
        await log(page).locator('summary').first().click()
        await check(page, 'channel')
        await side(page).getByRole('button', { name: 'Change' }).click()
        await dialog(page).getByLabel('Name', { exact: true }).waitFor()
        await check(page, 'change')
        await page.keyboard.press('Escape')
        await side(page).getByRole('button', { name: 'Close' }).click()
        await check(page, 'list')
      }),
  })),
]
