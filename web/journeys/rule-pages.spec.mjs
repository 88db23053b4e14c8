// The pages of rules, whether everybody can use them. They need a server that runs rules.
import { check } from './accessibility.spec.mjs'
import { skip } from './rules.spec.mjs'

const scenes = [
  ['rules', async (page) => {
    await page.goto('/rules')
    await page.getByRole('row').nth(5).waitFor()
    await check(page, 'list')
    await page.getByLabel('Find a rule').fill('nothing is like that')
    await page.getByRole('heading', { name: 'No rule is like that' }).waitFor()
    await check(page, 'none')
  }],
  ['a rule, part by part', async (page) => {
    await page.goto('/rules/rule/account-sign-in-failed-logins')
    await page.getByText(/tests pass/).waitFor()
    for (const part of ['Tests', 'Try', 'Backtest', 'Tuning', 'Exceptions', 'History']) {
      await page.getByRole('tab', { name: part }).click()
      await page.getByRole('tabpanel').locator(':scope > *').first().waitFor()
      await check(page, part)
    }
  }],
  ['a backtest and what came of it', async (page) => {
    await page.goto('/rules/new')
    await page.getByRole('textbox', { name: 'YAML of the rule' }).fill('title: a\nid: own-a\nlogsource: {category: activity}\ndetection:\n  sel: {action|endswith: .delete}\n  condition: sel\n')
    await page.getByText('The rule can be used').waitFor()
    await page.getByRole('tab', { name: 'Backtest' }).click()
    await page.getByText('What if…').click()
    await page.getByRole('button', { name: 'Custom' }).click()
    await check(page, 'asked')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText(/^Read /).waitFor()
    await check(page, 'report')
    await page.getByRole('button', { name: 'As table' }).click()
    await check(page, 'table')
    await page.getByRole('button', { name: '24 h' }).click()
    await page.getByLabel('From matches').fill('2')
    await page.getByRole('button', { name: 'Run again' }).click()
    await page.getByText(/^Read /).waitFor()
    await check(page, 'tried')
    await page.getByRole('textbox', { name: 'YAML of the rule' }).fill('title: a\n')
    await page.getByText(/^Mend /).waitFor()
    await check(page, 'mistake')
  }],
  ['what is tuned, and what an exception would silence', async (page) => {
    await page.goto('/rules/rule/account-sign-in-failed-logins?part=tuning')
    await page.getByLabel('Folded for').fill('7h')
    await page.getByText('The rule says').waitFor()
    await check(page, 'tuning')
    await page.getByRole('tab', { name: 'Exceptions' }).click()
    await page.getByRole('button', { name: 'Make an exception' }).click()
    await page.getByRole('dialog').getByLabel('Value 1').fill('bob')
    await page.getByText(/Would have silenced|It matched nothing/).waitFor()
    await check(page, 'exception')
  }],
  ['a new rule with a mistake, and the form', async (page) => {
    await page.goto('/rules/new')
    await page.getByText(/tests pass/).waitFor()
    await check(page, 'template')
    await page.getByRole('textbox', { name: 'YAML of the rule' }).fill('title: a\nid: own-a\nlevel: grave\nlogsource: {category: activity}\ndetection:\n  sel:\n    a|foo: b\n  condition: sel\n')
    await page.getByRole('list', { name: 'Problems' }).waitFor()
    await check(page, 'mistake')
    await page.getByRole('tab', { name: 'Form' }).click()
    await check(page, 'form')
  }],
  ['packages', async (page) => {
    await page.goto('/rules/packages')
    await page.getByRole('row').nth(5).waitFor()
    await check(page, 'list')
    await page.getByRole('button', { name: 'Install a package' }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'install')
    await page.goto('/rules/packages?open=ibm-iam')
    await page.getByRole('complementary', { name: 'Package' }).getByRole('heading', { name: 'Variables' }).waitFor()
    await check(page, 'package')
    await page.goto('/rules/packages/new')
    await page.locator('.package-comes-to .tests').waitFor()
    await check(page, 'written')
    await page.getByRole('button', { name: 'Add a file' }).click()
    await page.getByRole('textbox', { name: 'Text of package.yaml' }).fill('id: a\n')
    await page.locator('.yaml-verdict .bad').waitFor()
    await check(page, 'written wrong')
  }],
  ['exceptions', async (page) => {
    await page.goto('/rules/exceptions')
    await page.getByRole('button', { name: 'Make an exception' }).first().click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'make one')
  }],
]

export const journeys = ['light', 'dark'].flatMap((theme) => scenes.map(([name, walk]) => ({ name: `accessible, ${theme}: ${name}`, theme, looksOnly: true, skip, walk: ({ page }) => walk(page) })))
