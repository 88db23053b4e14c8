// Scenes of Home, Rules, Alerts and channels, for the screenshots.

const text = (page, words) => page.getByText(words).first().waitFor()
const click = (page, name, role = 'button') => page.getByRole(role, { name }).first().click()
const RULE = '/rules/rule/mock-key-deleted'

export const scenes = [
  ['home', '/', (page) => text(page, 'Latest findings')],
  ['home-trouble', '/', (page) => text(page, 'The journal refuses writes'), { fail: '/cards' }],
  ['home-nothing-loads', '/', (page) => text(page, 'The journal refuses writes'), { fail: '/api/v1/' }],
  ['rules', '/rules', (page) => page.getByRole('row').nth(5).waitFor()],
  ['rules-filters', '/rules?state=filters', (page) => text(page, /of 2 filters/)],
  ['rules-none', '/rules?find=nothing.like.that', (page) => text(page, 'No rule is like that')],
  ['rules-reader', '/rules', (page) => text(page, 'You may not see this'), { as: 'carol' }],
  ['rule', RULE, (page) => text(page, 'All 2 tests pass')],
  ['rule-backtest', `${RULE}?part=backtest`, async (page) => { await click(page, 'Run'); await text(page, /^Read /) }],
  ['rule-tuning', `${RULE}?part=tuning`, (page) => text(page, 'When a match becomes a finding')],
  ['rule-exceptions', `${RULE}?part=exceptions`, (page) => text(page, 'Everything it matches is told.')],
  ['rule-long', '/rules/rule/own-role-of-another-account-that-has-a-rather-long-id-as-well', (page) => text(page, 'There are no tests yet')],
  ['rule-gone', '/rules/rule/no-such-rule', (page) => text(page, 'No such rule')],
  ['filter', '/rules/rule/own-billing-may', (page) => text(page, /It applies to/)],
  ['filter-of-package', '/rules/rule/mock-backup-agent-may', (page) => text(page, /^Narrows mock-backup-deleted/)],
  ['rule-new', '/rules/new', (page) => text(page, /tests pass/)],
  ['packages', '/rules/packages?open=mock-payments', (page) => text(page, 'payment_admins')],
  ['package-new', '/rules/packages/new', (page) => text(page, 'every test passes')],
  ['package-edit', '/rules/packages/edit/mock-payments', async (page) => { await text(page, 'It can be installed'); await click(page, 'payees.yaml'); await page.getByRole('textbox', { name: 'Text of payees.yaml' }).press('Control+Home'); await page.keyboard.type('# Asked for by the auditors.\n'); await text(page, 'Asked for by the auditors'); await click(page, 'payees.yaml differs', 'group').catch(() => {}); await text(page, /Raise the version above/) }],
  ['package-wrong', '/rules/packages/new', async (page) => { await text(page, 'every test passes'); await page.getByRole('textbox', { name: 'Text of package.yaml' }).press('Control+Home'); await page.keyboard.type('version: ['); await page.locator('.yaml-verdict .bad').waitFor() }],
  ['package-of-bucket', '/rules/packages?open=bucket-kms-rules', (page) => text(page, 'cannot be used, so the package stays')],
  ['exceptions', '/rules/exceptions', (page) => text(page, 'No exceptions')],
  ['alerts', '/alerts', (page) => page.getByRole('list', { name: 'Alerts', exact: true }).waitFor()],
  ['alerts-all', '/alerts?status=all', (page) => page.getByRole('list', { name: 'Alerts', exact: true }).waitFor()],
  ['alerts-none', '/alerts?assignee=nobody', (page) => text(page, 'No alert is like that')],
  ['alert', '/alerts?status=all', async (page) => { await page.locator('.alert-open').first().click(); await text(page, 'Events that show it') }],
  ['alert-gone', '/alerts/no-such-alert', (page) => text(page, 'No such alert')],
  ['silences', '/alerts/silences', (page) => text(page, 'No silences')],
  ['searches', '/alerts/searches', (page) => text(page, 'No search is watched yet')],
  ['channels', '/settings/notifications', (page) => text(page, 'On call')],
  ['channel', '/settings/notifications', async (page) => { await click(page, /^Security information/); await click(page, 'Send a test'); await text(page, 'The test did not arrive') }],
  ['channel-moved', '/settings/notifications', async (page) => { await click(page, /^Security information/); await click(page, 'Change'); await page.getByLabel('Address', { exact: true }).fill('https://siem.example.com/other'); await text(page, 'enter the secrets again') }],
]
