// Rules: written, tried, switched, tuned and copied; packages and exceptions. Needs the real engine: of rules the mock knows the simple ones only.
import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { drawer, event as activity, send, unique, until } from './steps.mjs'

export const skip = () => (process.env.WHODID_JOURNEY_URL ? undefined : 'the mock runs simple rules only')
const yaml = (page) => page.getByRole('textbox', { name: 'YAML of the rule' })
const row = (page, title) => page.getByRole('row').filter({ has: page.getByRole('link', { name: title, exact: true }) })
const noOverflow = async (page) => assert.equal(await page.evaluate(() => Math.max(0, ...[...document.querySelectorAll('.page, .side-body')].map((part) => part.scrollWidth - part.clientWidth), document.scrollingElement.scrollWidth - window.innerWidth)), 0)

/** A tar archive of plain files, as small as can be. */
function archive(files) {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const body = Buffer.from(text)
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write('0000644\0', 100)
    header.write('0000000\0', 108)
    header.write('0000000\0', 116)
    header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write('00000000000\0', 136)
    header.write('        ', 148)
    header.write('0', 156)
    header.write('ustar\0', 257)
    header.write('00', 263)
    header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148)
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

/** A rule of the account's own that does not run, and six events it matches: four by one person, two by another. */
async function vaults(page, server) {
  const name = unique('vault-')
  const [ann, ben] = [unique('ann-'), unique('ben-')]
  const act = (who, verb, hoursAgo) => ({ ...activity(`${name}.${verb}`), eventTime: new Date(Date.now() - hoursAgo * 3_600_000).toISOString(), initiator: { ...activity('').initiator, id: who, name: who } })
  await send(server, [act(ann, 'open', 60), act(ann, 'open', 59.9), act(ann, 'open', 30), act(ann, 'shut', 29.9), act(ben, 'open', 3), act(ben, 'shut', 2)])
  await page.goto('/rules')
  const text = `title: Rule ${name}\nid: own-${name}\nlevel: low\nlogsource: {category: activity}\ndetection:\n  sel:\n    action|startswith: ${name}.\n  condition: sel\nwhodid:\n  policy: {dedup_key: [initiator.name], dedup_window: 60m}\n`
  const made = await page.evaluate(async (body) => (await fetch('/api/v1/rules', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).status, { text, is_enabled: false })
  assert.ok(made < 300, `the rule is made: ${made}`)
  return { name, ann, ben, path: `/rules/rule/own-${name}` }
}

export const report = (page) => page.getByRole('region', { name: 'What it would have found' })
export const sum = (page, name) => report(page).locator('.backtest-sums > div').filter({ hasText: name }).locator('dd')
export async function backtest(page) {
  await page.getByRole('button', { name: /^Run( again)?$/ }).click()
  await report(page).getByText(/^Read /).waitFor()
}

const event = (action) => JSON.stringify({ eventTime: '2026-03-02T10:00:00Z', action, outcome: 'success', initiator: { id: 'a', name: 'alice' }, target: { id: 't', name: 't' } })

export const journeys = [
  {
    name: 'a rule is written: a mistake is shown at its line, mended, tried on pasted events, saved and found in the list',
    skip,
    async walk({ page }) {
      const name = unique('journey-rule-')
      const text = `title: Rule ${name}\nid: own-${name}\nlevel: high\nlogsource: {category: activity}\ndetection:\n  sel:\n    action|begins: vault.\n  condition: sel\ntests:\n  - name: opened\n    event: ${event('vault.open')}\n    expect: match\n`
      await page.goto('/activity')
      await page.getByRole('link', { name: 'Rules', exact: true }).click()
      // Activity has such a link too.
      await page.getByRole('heading', { name: 'Rules', level: 1 }).waitFor()
      await page.getByRole('link', { name: 'New rule' }).click()
      await yaml(page).fill(text)
      const problem = page.getByRole('list', { name: 'Problems' }).getByRole('listitem').filter({ hasText: 'begins' })
      await problem.getByRole('button', { name: 'line 7' }).click()
      const selected = await yaml(page).evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd))
      assert.equal(selected.trim(), 'action|begins: vault.')
      const save = page.getByRole('button', { name: 'Save the rule' })
      assert.ok(await save.isDisabled())
      await yaml(page).fill(text.replace('begins', 'startswith'))
      await page.getByText('The rule can be used').waitFor()
      await page.getByText('Its test passes').waitFor()

      // Esc lets Tab out of the text: no trap for whoever has only a keyboard.
      await yaml(page).focus()
      await page.keyboard.press('Escape')
      await page.keyboard.press('Tab')
      assert.ok(!(await yaml(page).evaluate((area) => area === document.activeElement)))

      await page.getByRole('tab', { name: 'Try', exact: true }).click()
      await page.getByLabel(/^Events, one JSON/).fill(`${event('vault.open')}\n${event('door.open')}`)
      await page.getByRole('button', { name: 'Try 2 events' }).click()
      await page.getByText('1 of 2 events matched').waitFor()

      await save.click()
      await page.getByRole('heading', { name: `Rule ${name}` }).waitFor()
      assert.ok(await page.getByRole('switch', { name: /^Run/ }).isChecked())
      await page.getByRole('navigation', { name: 'Rules' }).getByRole('link', { name: 'Rules', exact: true }).click()
      await page.getByLabel('Find a rule').fill(name)
      await row(page, `Rule ${name}`).getByText('our own').waitFor()
      await until('what is looked for stands in the address', () => new URL(page.url()).searchParams.get('find'), (found) => found === name)
      await row(page, `Rule ${name}`).getByRole('switch').click()
      await page.getByText(`“Rule ${name}” is off`).waitFor()

      // Changed, while somebody else changes it too: nothing is overwritten, not after the switch brought what they saved either.
      await row(page, `Rule ${name}`).getByRole('link').click()
      await yaml(page).fill((await yaml(page).inputValue()).replace('level: high', 'level: low'))
      await page.evaluate(async (id) => {
        const url = `/api/v1/rules/${id}`
        const { text: now, revision } = await (await fetch(url)).json()
        await fetch(url, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text: `${now}# theirs\n`, revision }) })
      }, `own-${name}`)
      await page.getByRole('switch', { name: /^Run/ }).click()
      await page.getByText(`“Rule ${name}” is on`).waitFor()
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText('Somebody else saved this rule while you wrote').waitFor()
      await page.getByRole('button', { name: 'Take theirs' }).click()
      await until('their text is taken', () => yaml(page).inputValue(), (now) => now.endsWith('# theirs\n'))
      await yaml(page).fill((await yaml(page).inputValue()).replace('level: high', 'level: low'))
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.locator('.rule-head').getByText('low', { exact: true }).waitFor()

      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
      await page.getByText(`“Rule ${name}” is deleted`).waitFor()
    },
  },
  {
    name: 'a text that is not saved is not left without asking',
    skip,
    async walk({ page, server }) {
      const { name, path } = await vaults(page, server)
      const asked = page.getByRole('dialog', { name: 'Leave without saving?' })
      const leave = () => page.getByRole('navigation', { name: 'Rules' }).getByRole('link', { name: 'Exceptions' }).click()
      await page.goto(path)
      await yaml(page).fill((await yaml(page).inputValue()).replace('level: low', 'level: high'))
      // Its other parts are the same page.
      await page.getByRole('tab', { name: 'Tuning' }).click()
      await page.getByLabel('Folded for').waitFor()
      await leave()
      await asked.getByRole('button', { name: 'Stay here' }).click()
      assert.match(await yaml(page).inputValue(), /level: high/)
      await leave()
      await asked.waitFor()
      await page.keyboard.press('Escape')
      await asked.waitFor({ state: 'detached' })
      const closing = page.waitForEvent('dialog')
      await Promise.all([closing.then((dialog) => { assert.equal(dialog.type(), 'beforeunload'); return dialog.accept() }), page.reload()])
      assert.match(await yaml(page).inputValue(), /level: low/)
      await yaml(page).fill('title: something else\n')
      await page.getByRole('button', { name: /^You:/ }).click()
      await page.getByRole('menuitem', { name: 'Sign out' }).click()
      await page.getByRole('dialog', { name: 'Sign out without saving?' }).getByRole('button', { name: 'Stay here' }).click()
      assert.match(await yaml(page).inputValue(), /something else/)
      // The menu that asked is gone; its button takes the focus.
      await until('the focus', () => page.evaluate(() => document.activeElement?.getAttribute('aria-label')), (name) => /^You:/.test(name ?? ''))
      await leave()
      await asked.getByRole('button', { name: 'Leave without saving' }).click()
      await page.waitForURL('**/rules/exceptions*')

      // What a template wrote is nobody's work; what was written by hand, or by the form, is.
      await page.goto('/rules/new')
      await page.getByText('The rule can be used').waitFor()
      await page.getByRole('link', { name: 'Cancel' }).click()
      await page.getByRole('heading', { name: 'Rules', level: 1 }).waitFor()
      await page.goto('/rules/new')
      await yaml(page).fill(`title: Rule ${name}\n`)
      await page.getByRole('link', { name: 'Cancel' }).click()
      await asked.getByRole('button', { name: 'Leave without saving' }).click()
      await page.getByRole('heading', { name: 'Rules', level: 1 }).waitFor()
    },
  },
  {
    name: 'a filter is written, told apart from rules, switched and deleted',
    skip,
    async walk({ page }) {
      const name = unique('journey-filter-')
      const title = `Filter ${name}`
      await page.goto('/rules/new')
      await yaml(page).fill(`title: ${title}\nid: own-${name}\nlogsource: {category: activity}\nfilter:\n  rules: any\n  job: {initiator.name: ${name}}\n  condition: not job\n`)
      await page.getByText('The filter can be used').waitFor()
      await page.getByRole('tab', { name: 'Backtest' }).click()
      await page.getByText(/there is nothing to run/).waitFor()
      await page.getByRole('switch', { name: 'Apply it at once' }).uncheck()
      await page.getByRole('button', { name: 'Save the filter' }).click()
      await page.getByRole('heading', { name: title, level: 1 }).waitFor()
      await page.locator('.rule-head').getByText('filter', { exact: true }).waitFor()
      await page.getByText(/^Narrows every rule of the account/).waitFor()
      await page.getByText('It is off, so nothing is left out.').waitFor()
      for (const part of ['Backtest', 'Tuning', 'Exceptions']) assert.equal(await page.getByRole('tab', { name: part }).count(), 0, part)
      await page.getByRole('switch', { name: /^Apply/ }).click()
      await page.getByText(`“${title}” is on`).waitFor()
      await page.getByText('It applies').waitFor()

      await page.goto(`/rules?find=${name}`)
      await row(page, title).locator('.rule-name').getByText('filter', { exact: true }).waitFor()
      assert.equal(await row(page, title).getByText('counted by others').count(), 0)
      await until('filters are counted apart', () => page.locator('.rule-count').textContent(), (text) => /^0 of \d+ rules, 1 of \d+ filters?$/.test(text.trim()))
      await row(page, title).getByRole('switch').click()
      await page.getByText(`“${title}” is off`).waitFor()
      await row(page, title).getByRole('link').click()
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
      await page.getByText(`“${title}” is deleted`).waitFor()
    },
  },
  {
    name: 'the form writes the YAML, and leaves what was changed by hand alone',
    skip,
    async walk({ page }) {
      const title = unique('Form rule ')
      await page.goto('/rules/new?action=vault.open')
      await page.getByLabel('Title').fill(title)
      await page.getByLabel('From how many').fill('3')
      await page.getByText('The YAML says this.').waitFor()
      const written = await yaml(page).inputValue()
      assert.match(written, /action: vault\.open/)
      assert.match(written, /gte: 3/)
      await page.getByText('2 rules, all can be used').waitFor()
      await yaml(page).fill(`${written}# by hand\n`)
      await page.getByLabel('From how many').fill('4')
      await page.getByText('You changed the YAML by hand').waitFor()
      assert.match(await yaml(page).inputValue(), /gte: 3[\s\S]*# by hand/)
      await page.getByRole('button', { name: /^Replace the YAML/ }).click()
      assert.match(await yaml(page).inputValue(), /gte: 4\n$/)
    },
  },
  {
    name: 'a package’s rule is tuned, reset and copied, not changed',
    skip,
    async walk({ page }) {
      await page.goto('/rules?find=account-sign-in-failed-logins')
      await page.getByRole('link', { name: 'Failed logins' }).click()
      await page.getByText('A package’s rule is tuned or copied, not changed.').waitFor()
      assert.ok(await yaml(page).evaluate((area) => area.readOnly))
      await page.getByRole('tab', { name: 'Tuning' }).click()
      await page.getByLabel('Level').selectOption('critical')
      await page.getByLabel('At most a day').fill('7')
      await page.getByLabel('Folded for').fill('8h')
      await page.getByRole('button', { name: 'Save the tuning' }).click()
      const head = page.locator('.rule-head')
      await head.getByText('critical', { exact: true }).waitFor()
      await head.getByText('tuned', { exact: true }).waitFor()
      await page.getByRole('tab', { name: 'History' }).click()
      await page.getByRole('list', { name: 'History' }).getByText('critical').first().waitFor()
      await page.getByRole('tab', { name: 'Tuning' }).click()

      // One value goes back, the others stay; what the rule says is shown after a reload too.
      await page.reload()
      const tuning = page.getByRole('tabpanel')
      await tuning.getByText('3 values differ').waitFor()
      await tuning.getByText('The rule says no limit').waitFor()
      await tuning.getByRole('button', { name: 'Back to the rule’s own: 1h' }).click()
      assert.equal(await page.getByLabel('Folded for').inputValue(), '1h')
      await page.getByRole('button', { name: 'Save the tuning' }).click()
      await tuning.getByText('2 values differ').waitFor()
      await head.getByText('critical', { exact: true }).waitFor()
      assert.equal(await page.getByLabel('At most a day').inputValue(), '7')
      await page.getByRole('button', { name: 'All back to the rule’s own' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Take it all back' }).click()
      await head.getByText('tuned', { exact: true }).waitFor({ state: 'detached' })
      await head.getByText('medium', { exact: true }).waitFor()
      assert.ok(await page.getByRole('switch', { name: /^Run/ }).isChecked(), 'it runs as before')
      await page.getByRole('link', { name: 'Copy into a rule of my own' }).click()
      await until('the copy has ids of its own', () => yaml(page).inputValue(), (text) => text.includes('id: own-account-sign-in-failed-logins') && !/^id: account/m.test(text))
      await page.getByText(/\d+ rules, all can be used/).waitFor()
    },
  },
  {
    name: 'a package is refused when it is none, shown before it is installed, filled in, switched and removed',
    skip,
    async walk({ page }) {
      const id = unique('journey')
      await page.goto('/rules/packages')
      await page.getByRole('button', { name: 'Install a package' }).click()
      const dialog = page.getByRole('dialog')
      const file = dialog.getByLabel('Archive of the package')
      await file.setInputFiles({ name: 'bad.tar.gz', mimeType: 'application/gzip', buffer: Buffer.from('no archive at all') })
      await dialog.getByRole('alert').filter({ hasText: 'cannot be read' }).waitFor()
      assert.ok(await dialog.getByRole('button', { name: 'Install' }).isDisabled())
      const rule = (test) => `title: ${id} opened\nid: ${id}-opened\nlogsource: {category: activity}\ndetection:\n  sel: {action: vault.open, 'initiator.name|expand': '%${id}_people%'}\n  condition: not sel\ntests:\n  - name: opened\n    event: ${event('vault.shut')}\n    expect: ${test}\n`
      const manifest = `id: ${id}\nversion: "1.0.0"\ntitle: Package ${id}\ndescription: Of a journey.\nauthor: journey\nlicence: Apache-2.0\nvariables:\n  ${id}_people: {type: text, description: Who may., default: [alice]}\n`
      await file.setInputFiles({ name: 'failing.tar.gz', mimeType: 'application/gzip', buffer: archive({ 'package.yaml': manifest, 'rule.yaml': rule('no_match') }) })
      await dialog.getByRole('alert').filter({ hasText: 'nothing was installed' }).waitFor()
      await file.setInputFiles({ name: 'good.tar.gz', mimeType: 'application/gzip', buffer: archive({ 'package.yaml': manifest, 'rule.yaml': rule('match') }) })
      await dialog.getByText('1 rule added').waitFor()
      await dialog.getByText(/^sha256:/).waitFor()
      const [sent] = await Promise.all([page.waitForRequest((request) => request.method() === 'POST' && request.url().includes('/api/v1/packages')), dialog.getByRole('button', { name: 'Install' }).click()])
      assert.equal(sent.headers()['content-type'], 'application/gzip')

      // An upgrade says what it would do before it does it.
      await page.getByRole('button', { name: `Package ${id}` }).waitFor()
      await page.getByRole('button', { name: 'Install a package' }).click()
      const upgrade = archive({ 'package.yaml': manifest.replace('1.0.0', '1.1.0'), 'rule.yaml': `${rule('match')}level: high\n`, 'more.yaml': rule('match').replace(`title: ${id} opened\nid: ${id}-opened`, `title: ${id} more\nid: ${id}-more`) })
      await file.setInputFiles({ name: 'upgrade.tar.gz', mimeType: 'application/gzip', buffer: upgrade })
      await dialog.getByText('It takes the place of version 1.0.0.').waitFor()
      await dialog.getByText('1 rule added').waitFor()
      await dialog.getByText('1 rule changed').waitFor()
      await dialog.getByRole('button', { name: 'Cancel' }).click()
      await page.getByRole('button', { name: `Package ${id}` }).click()
      const side = page.getByRole('complementary', { name: 'Package' })
      await side.getByLabel(`${id}_people`).fill('alice\nbob')
      await side.getByRole('button', { name: 'Save the variables' }).click()
      await side.getByRole('button', { name: 'Take the default back' }).click()
      assert.equal(await dialog.getByRole('region', { name: 'What is lost' }).textContent(), 'alice\nbob')
      await dialog.getByRole('button', { name: 'Take it back' }).click()
      await side.getByText('as it came').waitFor()
      const [download] = await Promise.all([page.waitForEvent('download'), side.getByRole('link', { name: 'Download' }).click()])
      assert.equal(download.suggestedFilename(), `${id}-1.0.0.tar.gz`)
      await side.getByRole('switch').click()
      await side.getByText('None of its rules runs').waitFor()
      await side.getByRole('link', { name: '1 rule' }).click()
      await row(page, `${id} opened`).getByRole('switch').waitFor()
      assert.ok(await row(page, `${id} opened`).getByRole('switch').isDisabled(), 'its package is off')
      await page.goto(`/rules/packages?open=${id}`)
      await side.getByRole('button', { name: 'Remove' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
      await page.getByRole('button', { name: `Package ${id}` }).waitFor({ state: 'detached' })
    },
  },
  {
    name: 'a stored rule is run over what is stored: how much, when, by whom, which events',
    skip,
    async walk({ page, server }) {
      const { name, ann, ben, path } = await vaults(page, server)
      await page.goto(`${path}?part=backtest`)

      // It can be stopped, and says so.
      await page.route('**/api/v1/rules/backtest*', () => undefined)
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await page.getByText('Reading what is stored…').waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.getByText('Stopped; nothing was recorded.').waitFor()
      await page.unroute('**/api/v1/rules/backtest*')

      await backtest(page)
      assert.equal(await sum(page, 'Matches').innerText(), '6')
      assert.equal(await sum(page, 'Findings').innerText(), '4')
      await report(page).getByText(/only those that may concern the rule/).waitFor()
      await report(page).getByRole('button', { name: 'As table' }).click()
      const days = report(page).getByRole('region', { name: 'Matches and findings a day' })
      assert.equal(await days.getByRole('row').count(), 32, 'thirty days, one of them in two halves, and the head')

      // Another part of the rule is looked at meanwhile; the answer stays.
      await page.getByRole('tab', { name: 'Tuning' }).click()
      await page.getByRole('tab', { name: 'Backtest' }).click()
      const who = report(page).getByRole('listitem').filter({ has: page.getByRole('link', { name: ann, exact: true }) })
      await who.getByText('4', { exact: true }).waitFor()

      await page.getByRole('button', { name: '24 h' }).click()
      await backtest(page)
      await until('only what is of the last day is found', () => sum(page, 'Matches').innerText(), (text) => text === '2')
      const hit = report(page).getByRole('listitem').filter({ has: page.locator('time') })
      assert.equal(await hit.count(), 2)
      await hit.first().getByRole('link').click()
      await drawer(page).getByText(`${name}.open`).first().waitFor()
      await page.goBack()
      await page.getByRole('button', { name: '24 h' }).click()
      await backtest(page)
      await report(page).getByRole('link', { name: ben, exact: true }).click()
      await until('the person stands in the search', () => new URL(page.url()).searchParams.get('q'), (q) => q === `initiator.name:==${ben}`)
    },
  },
  {
    name: 'an edited text and another policy are compared with the rule as it is',
    skip,
    async walk({ page, server }) {
      const { name, ben, path } = await vaults(page, server)
      await page.goto(`${path}?part=backtest`)
      const text = await yaml(page).inputValue()
      await yaml(page).fill(text.replace('startswith', 'begins'))
      await page.getByRole('alert').getByText('Mend the mistake first').waitFor()
      assert.ok(await page.getByRole('button', { name: 'Run', exact: true }).isDisabled())
      await yaml(page).fill(text.replace(`action|startswith: ${name}.`, `action: ${name}.open`))
      await page.getByText('The rule can be used').waitFor()
      await backtest(page)
      await report(page).getByText('Nothing it would newly find.').waitFor()
      await report(page).getByText('it would no longer find').click()
      await report(page).locator('.is-removed').getByRole('link').filter({ hasText: ben }).waitFor()
      await report(page).getByText('4 matches are found by both.').waitFor()
      await sum(page, 'Matches').getByText('now 6').waitFor()

      // Tuning is tried before it is saved.
      await page.getByRole('button', { name: 'Undo' }).click()
      await report(page).getByText('Nothing it would newly find.').waitFor()
      await page.getByText('What if…').click()
      await page.getByLabel('Folded for').fill('an hour')
      await page.getByText('Folded for: a time such as').waitFor()
      await page.getByLabel('Folded for').fill('2d')
      await backtest(page)
      await until('folded for longer, there are fewer findings', () => sum(page, 'Findings').innerText(), (said) => /^2\s+now 4$/.test(said))
      await report(page).getByText('It matches just what the rule matches now.').waitFor()
      await page.getByRole('button', { name: 'Save as tuning' }).click()
      await page.locator('.rule-head').getByText('tuned', { exact: true }).waitFor()
      await page.getByRole('tab', { name: 'Tuning' }).click()
      assert.equal(await page.getByLabel('Folded for').inputValue(), '2d')
    },
  },
  {
    name: 'a text that is not kept is run, and nothing that matches is said so',
    skip,
    async walk({ page }) {
      const name = unique('nobody-')
      await page.goto('/rules/new')
      await yaml(page).fill(`title: ${name}\nid: own-${name}\nlogsource: {category: activity}\ndetection:\n  sel: {action: ${name}.open}\n  condition: sel\n`)
      await page.getByText('The rule can be used').waitFor()
      await page.getByRole('tab', { name: 'Backtest' }).click()
      await page.getByRole('button', { name: 'Custom' }).click()
      await page.getByLabel('From (').fill('2020-01-02T00:00')
      await page.getByLabel('To', { exact: true }).fill('2020-01-01T00:00')
      await page.getByText('The end must come after the start.').waitFor()
      await page.getByLabel('To', { exact: true }).fill('2020-01-05T00:00')
      await backtest(page)
      await report(page).getByText('Nothing is stored of this time').waitFor()
      await page.getByRole('button', { name: '7 days' }).click()
      await backtest(page)
      await report(page).getByText('Nothing matched').first().waitFor()
    },
  },
  {
    name: 'an exception says beforehand what it would have silenced',
    skip,
    async walk({ page, server }) {
      const { ann, ben, path } = await vaults(page, server)
      await page.goto(`${path}?part=exceptions`)
      await page.getByRole('button', { name: 'Make an exception' }).click()
      const dialog = page.getByRole('dialog')
      const preview = dialog.getByRole('region', { name: 'What it would have silenced' })
      await preview.getByText('Once it has a rule and conditions').waitFor()
      await dialog.getByLabel('Value 1').fill(ann)
      await preview.getByText('Would have silenced 4 of 6 matches').waitFor()
      await preview.getByText('2 findings would be left').waitFor()
      await dialog.getByLabel('Value 1').fill(ben)
      await preview.getByText('Would have silenced 2 of 6 matches').waitFor()
      await preview.getByText('Which ones').click()
      assert.equal(await preview.getByRole('listitem').count(), 2)
      const all = await preview.getByRole('link', { name: 'All such events' }).getAttribute('href')
      assert.equal(new URL(all, page.url()).searchParams.get('q'), `initiator.name:==${ben}`)
      await dialog.getByLabel('Value 1').fill(`${ann}, ${ben}`)
      await preview.getByText('switch the rule off instead').waitFor()
      await dialog.getByLabel('Value 1').fill(unique('nobody-'))
      await preview.getByText('Would have silenced 0 of 6 matches').waitFor()

      // What another exception silences already is not counted twice.
      await dialog.getByLabel('Value 1').fill(ann)
      await dialog.getByLabel('Why it is right').fill('Of a journey.')
      await dialog.getByRole('button', { name: 'Make it' }).click()
      await page.getByRole('tabpanel').getByText(ann, { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Make an exception' }).click()
      await dialog.getByLabel('Value 1').fill(`${ann}, ${ben}`)
      await preview.getByText('Would have silenced 2 of 6 matches').waitFor()
      await preview.getByText('4 are silenced by others already').waitFor()
    },
  },
  {
    name: 'an exception says why and until when, and is deleted',
    skip,
    async walk({ page }) {
      const who = unique('load-test-')
      await page.goto('/rules/rule/account-sign-in-failed-logins?part=exceptions')
      await page.getByRole('button', { name: 'Make an exception' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('button', { name: 'Take “Failed logins” away' }).waitFor()
      await dialog.getByLabel('Value 1').fill(who)
      assert.ok(await dialog.getByRole('button', { name: 'Make it' }).isDisabled(), 'it needs a reason')
      await dialog.getByLabel('Why it is right').fill(`The load test ${who} fails on purpose.`)
      await dialog.getByLabel('Ends').selectOption('7d')
      await dialog.getByRole('button', { name: 'Make it' }).click()
      await page.getByRole('tabpanel').getByText(who, { exact: true }).waitFor()
      await page.getByRole('navigation', { name: 'Rules' }).getByRole('link', { name: 'Exceptions' }).click()
      const line = page.getByRole('row').filter({ hasText: `The load test ${who}` })
      await line.getByText('in 6 days').or(line.getByText('in 7 days')).waitFor()
      await line.getByRole('link', { name: 'Failed logins' }).waitFor()
      await line.getByRole('button', { name: /^Delete/ }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
      await line.waitFor({ state: 'detached' })
    },
  },
  {
    name: 'rules fit on a phone',
    skip,
    viewport: { width: 390, height: 844 },
    async walk({ page }) {
      const places = [['/rules', '.rules-table'], ['/rules/rule/account-sign-in-failed-logins', '.tests'], ['/rules/rule/account-sign-in-failed-logins?part=tuning', '.tuning'], ['/rules/rule/account-sign-in-failed-logins?part=backtest', '.backtest'], ['/rules/new', '.tests'], ['/rules/new?action=a.b', '.rule-form'], ['/rules/packages', '.packages-table'], ['/rules/packages/new', '.package-comes-to .tests'], ['/rules/packages?open=ibm-iam', '.variables'], ['/rules/exceptions', '.page']]
      for (const [path, part] of places) {
        await page.goto(path)
        await page.locator(part).first().waitFor()
        await noOverflow(page)
      }
    },
  },
]
