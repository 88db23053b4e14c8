// Packages that are written in the browser. The real engine compiles and tests them.
import assert from 'node:assert/strict'
import { unique, until } from './steps.mjs'

export const skip = () => (process.env.WHODID_JOURNEY_URL ? undefined : 'the mock runs simple rules only')
const text = (page, path) => page.getByRole('textbox', { name: `Text of ${path}` })
const file = (page, path) => page.getByRole('list', { name: 'Files of the package' }).getByRole('button', { name: new RegExp(`^${path}`) })
const verdict = (page) => page.locator('.yaml-verdict')

/** Opens a file of the package and writes it anew. */
async function write(page, path, value) {
  await file(page, path).click()
  await text(page, path).fill(value)
}

export const journeys = [
  {
    name: 'a package is written, its mistakes are led to, installed, edited with the lines that differ, and kept from overwriting another’s change',
    skip,
    async walk({ page }) {
      const id = unique('written')
      const manifest = (version) => `id: ${id}\nversion: ${version}\ntitle: Package ${id}\nauthor: journey\nlicence: Apache-2.0\nvariables:\n  ${id}_people: {type: text, description: Who may., default: [ann]}\n`
      const rule = (expect) => `title: ${id} opened\nid: ${id}-opened\nlogsource: {category: activity}\ndetection:\n  sel: {action: vault.open}\n  known: {'initiator.name|expand': '%${id}_people%'}\n  condition: sel and not known\ntests:\n  - name: somebody else\n    event: {action: vault.open, initiator: {name: eve}}\n    expect: ${expect}\n`
      await page.goto('/rules/packages')
      await page.getByRole('link', { name: 'New package' }).click()
      await verdict(page).getByText('every test passes').waitFor()
      const install = page.getByRole('button', { name: /^Install/ })

      // What is wrong with the manifest, with a rule and with a test is said, and nothing can be installed.
      await write(page, 'package.yaml', manifest('1.0.0').replace('author: journey\n', ''))
      await verdict(page).getByText('author').waitFor()
      assert.ok(await install.isDisabled())
      await write(page, 'package.yaml', manifest('1.0.0'))
      await write(page, 'rules/example.yml', rule('match').replace('action:', 'action|begins:'))
      await page.getByRole('list', { name: 'Problems' }).getByRole('button', { name: 'rules/example.yml, line 5' }).click()
      const selected = await text(page, 'rules/example.yml').evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd))
      assert.match(selected, /begins/)
      await text(page, 'rules/example.yml').fill(rule('no_match'))
      await verdict(page).getByText('the test "somebody else" fails').waitFor()
      assert.ok(await install.isDisabled())
      await text(page, 'rules/example.yml').fill(rule('match'))
      await verdict(page).getByText('every test passes').waitFor()

      // A second file; a name that leads out of the package is none.
      await page.getByRole('button', { name: 'Add a file' }).click()
      const name = page.getByRole('textbox', { name: 'Name of the file' })
      await name.fill('../out.yml')
      assert.ok(await page.getByRole('button', { name: 'Add', exact: true }).isDisabled())
      await name.fill('rules/second.yml')
      await name.press('Enter')
      await text(page, 'rules/second.yml').fill(rule('match').replaceAll(`${id} opened`, `${id} again`).replaceAll(`${id}-opened`, `${id}-again`))
      await page.getByText('2 rules · 1 variable').waitFor()
      await page.getByRole('button', { name: 'Install 1.0.0' }).click()
      const side = page.getByRole('complementary', { name: 'Package' })
      await side.getByRole('heading', { name: `Package ${id}` }).waitFor()

      // Edited: a file goes, another changes, the version is raised; what differs is shown as lines.
      await side.getByRole('link', { name: 'Edit' }).click()
      await verdict(page).getByText('It can be installed').waitFor()
      assert.ok(await install.isDisabled(), 'nothing has changed yet')
      await file(page, 'rules/second.yml').click()
      await page.getByRole('button', { name: 'Remove rules/second.yml' }).click()
      await write(page, 'rules/example.yml', `${rule('match')}level: high\n`)
      await page.getByRole('button', { name: 'Raise the version above 1.0.0' }).click()
      const comes = page.getByRole('region', { name: 'What it comes to' })
      await comes.getByText('rules/second.yml').waitFor()
      await comes.getByText('rules/example.yml').click()
      const lines = comes.getByRole('group', { name: 'Lines of rules/example.yml that differ' })
      await lines.getByText('level: high').waitFor()
      await until('the version is raised', () => page.getByRole('button', { name: /^Install/ }).textContent(), (said) => said === 'Install 1.0.1')

      // Somebody else installs meanwhile: theirs is not lost.
      const status = await page.evaluate(async (files) => (await fetch('/api/v1/packages', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ files }) })).status, { 'package.yaml': manifest('1.0.1').replace('journey', 'another'), 'rules/example.yml': rule('match') })
      assert.equal(status, 200)
      await page.getByRole('button', { name: 'Install 1.0.1' }).click()
      await page.getByRole('alert').filter({ hasText: 'changed by somebody else' }).waitFor()

      await page.getByRole('link', { name: 'Cancel' }).click()
      await page.getByRole('dialog').locator('.danger').click()
      await page.goto(`/rules/packages?open=${id}`)
      await side.getByText('another').waitFor()
      await side.getByRole('button', { name: 'Remove' }).click()
      await page.getByRole('dialog').getByRole('button', { name: /^Remove/ }).last().click()
      await page.getByRole('button', { name: `Package ${id}` }).waitFor({ state: 'detached' })

      // One that came with whodid is not edited.
      await page.goto('/rules/packages/edit/whodid-self')
      await page.getByText('This package came with whodid').waitFor()
    },
  },
]
