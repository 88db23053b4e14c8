// Rules: written, tried, switched, tuned and copied; packages and exceptions. Needs the real engine, which the mock has not.
import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { unique, until } from './steps.mjs'

export const skip = () => (process.env.WHODID_JOURNEY_URL ? undefined : 'the mock runs no rules')
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

      await page.getByRole('tab', { name: 'Try events' }).click()
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

      // Changed, while somebody else changes it too: nothing is overwritten.
      await row(page, `Rule ${name}`).getByRole('link').click()
      await yaml(page).fill((await yaml(page).inputValue()).replace('level: high', 'level: low'))
      await page.evaluate(async (id) => {
        const url = `/api/v1/rules/${id}`
        const { text: now, revision } = await (await fetch(url)).json()
        await fetch(url, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text: `${now}# theirs\n`, revision }) })
      }, `own-${name}`)
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
      await page.getByRole('button', { name: 'Save the tuning' }).click()
      const head = page.locator('.rule-head')
      await head.getByText('critical', { exact: true }).waitFor()
      await head.getByText('tuned', { exact: true }).waitFor()
      await page.getByRole('tab', { name: 'History' }).click()
      await page.getByRole('list', { name: 'History' }).getByText('critical').first().waitFor()
      await page.getByRole('tab', { name: 'Tuning' }).click()
      await page.getByRole('button', { name: 'Reset to default' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click()
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
      await dialog.getByRole('button', { name: 'Install' }).click()
      await page.getByRole('button', { name: `Package ${id}` }).click()
      const side = page.getByRole('complementary', { name: 'Package' })
      await side.getByLabel(`${id}_people`).fill('alice\nbob')
      await side.getByRole('button', { name: 'Save the variables' }).click()
      await side.getByRole('button', { name: 'Take the default back' }).click()
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
      const places = [['/rules', '.rules-table'], ['/rules/rule/account-sign-in-failed-logins', '.tests'], ['/rules/rule/account-sign-in-failed-logins?part=tuning', '.tuning'], ['/rules/new', '.tests'], ['/rules/new?action=a.b', '.rule-form'], ['/rules/packages', '.packages-table'], ['/rules/packages?open=ibm-iam', '.variables'], ['/rules/exceptions', '.page']]
      for (const [path, part] of places) {
        await page.goto(path)
        await page.locator(part).first().waitFor()
        await noOverflow(page)
      }
    },
  },
]
