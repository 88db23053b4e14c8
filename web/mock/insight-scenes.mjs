// Scenes of the pages of insights, for the screenshots.

const text = (page, words) => page.getByText(words).first().waitFor()
const click = (page, name, role = 'button') => page.getByRole(role, { name }).first().click()
const ID = '5b1e0c52-7f0d-5f0e-9d2a-3c1a52b7f00'
const read = (number) => `/insights/${ID}${number}`
const lines = (page) => page.getByRole('list', { name: 'Insights', exact: true }).getByRole('listitem').first().waitFor()
const why = (page) => text(page, 'Why it is unusual')
const below = (page) => page.getByText('What it is made of').evaluate((part) => part.closest('.insight-detail').scrollBy(0, part.getBoundingClientRect().top - 120))

export const scenes = [
  ['insights', '/insights', lines],
  ['insights-kind', '/insights?insight_type=ApiCallRateInsight&expected=1&region=eu-de', lines],
  ['insights-none', '/insights', (page) => text(page, 'Nothing unusual'), { calm: '1' }],
  ['insights-narrow', '/insights?event_name=nothing.such', (page) => text(page, 'No insight is like that')],
  ['insights-learning', '/insights', (page) => text(page, 'Learning what is usual here'), { calm: '1', learning: '1' }],
  ['insights-first', '/insights', (page) => text(page, 'No events yet'), { empty: '1' }],
  ['insights-error', '/insights', (page) => text(page, 'The journal refuses writes'), { fail: '/insights' }],
  ['insights-filter', '/insights', async (page) => { await lines(page); await click(page, 'Filter'); await text(page, 'Only insights of one') }],
  ['insight-rate', read(1), why],
  ['insight-rate-below', read(1), async (page) => { await why(page); await below(page) }],
  ['insight-hour', `${read(9)}?period=3600`, why],
  ['insight-address', read(2), why],
  ['insight-fact', read(4), why],
  ['insight-useful', read(5), why],
  ['insight-json', `${read(1)}?form=actiontrail`, async (page) => { await why(page); await page.getByRole('button', { name: 'ActionTrail' }).scrollIntoViewIfNeeded() }],
  ['insight-table', read(3), async (page) => { await why(page); await click(page, 'As table') }],
  ['insight-gone', '/insights/no-such', (page) => text(page, 'No such insight')],
  ['insight-reader', read(1), (page) => text(page, 'You may not see this'), { as: 'carol' }],
  ['insight-expect', read(1), async (page) => { await click(page, 'Expected'); await page.getByRole('radio', { name: /^From now on/ }).check(); await text(page, /Would have silenced/) }],
  ['insight-praise', read(1), async (page) => { await click(page, 'Useful'); await text(page, 'What came of it') }],
  ['insight-alert', read(1), async (page) => { await click(page, 'Alert on such'); await text(page, 'New alert on a search') }],
  ['insights-expected', '/insights/expected', (page) => page.getByRole('heading', { level: 1 }).waitFor()],
  ['insight-profile', '/activity?q=outcome:==failure+initiator.name:==bob', async (page) => { await page.getByRole('row').nth(8).waitFor(); await page.getByRole('row').filter({ hasText: 'refused' }).or(page.getByRole('row').filter({ hasText: 'denied' })).first().click(); await click(page, 'Profile of this user'); await text(page, 'Usual hours') }],
  ['insight-home', '/', (page) => text(page, 'Unusual now')],
  ['insights-settings', '/insights/settings', (page) => text(page, 'What is known')],
]
