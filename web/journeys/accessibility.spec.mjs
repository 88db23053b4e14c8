import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { drawer, open, rows, search } from './steps.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// The two themes are the same page in other colours.
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
const RULES_OF_COLOURS = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }

/** Looks for what keeps people out, in the light theme all of it, in the dark one what colours do. */
export async function check(page, what) {
  // Evaluated, not added as a script: the pages' security policy allows no foreign script.
  await page.evaluate(axe)
  const { violations } = await page.evaluate(([all, ofColours]) => {
    const isDark = window.matchMedia('(prefers-color-scheme: dark)').matches
    return window.axe.run(document, { runOnly: isDark ? ofColours : all, resultTypes: ['violations'] })
  }, [RULES, RULES_OF_COLOURS])
  const told = violations.map((violation) => `${violation.id}: ${violation.help}\n${violation.nodes.slice(0, 4).map((node) => `  ${node.target.join(' ')}  ${node.failureSummary?.split('\n').slice(1, 3).join(' ').slice(0, 220)}`).join('\n')}`)
  assert.equal(violations.length, 0, `${what}\n${told.join('\n')}`)
}

const scenes = [
  ['activity', async (page) => {
    await open(page)
    await check(page, 'list')
    await search(page).fill('outcome:')
    await page.getByRole('option').first().waitFor()
    await check(page, 'suggestions')
    await search(page).fill('(bob')
    await page.getByText('never closed').first().waitFor()
    await check(page, 'mistake')
  }],
  ['an open event, tab by tab', async (page) => {
    await open(page, '?q=outcome:==failure+-bob&from=now-30d')
    await rows(page).first().click()
    await drawer(page).getByRole('heading', { level: 2 }).waitFor()
    for (const tab of ['Summary', 'Fields', 'JSON', 'Related', 'Around']) {
      await drawer(page).getByRole('tab', { name: tab }).click()
      await drawer(page).getByRole('tabpanel').locator(':scope > *').first().waitFor()
      await check(page, tab)
    }
  }],
  ['menus and dialogs', async (page) => {
    await open(page)
    await page.getByRole('button', { name: /Time range/ }).click()
    await page.getByRole('button', { name: 'Apply' }).waitFor()
    await check(page, 'time range')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Export', exact: true }).click()
    await page.getByRole('link', { name: /Download [\d,]+/ }).waitFor()
    await check(page, 'export')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'As table' }).click()
    await check(page, 'histogram table')
    await page.keyboard.press('Control+k')
    await page.getByRole('listbox', { name: 'Commands' }).waitFor()
    await check(page, 'palette')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'help')
  }],
  ['nothing found', async (page) => { await page.goto('/activity?q=action:==no.such.action'); await page.getByRole('heading', { name: 'Nothing matches' }).waitFor(); await check(page, 'empty') }],
  ['rejects', async (page) => { await page.goto('/rejects'); await page.getByRole('row').nth(1).waitFor(); await check(page, 'rejects') }],
  ['keys', async (page) => {
    await page.goto('/settings/keys')
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'keys')
  }],
  ['audit log', async (page) => {
    await page.goto('/audit?from=now-90d')
    await rows(page).first().waitFor()
    await check(page, 'list')
    await rows(page).first().click()
    await drawer(page).getByRole('heading', { level: 2 }).waitFor()
    await check(page, 'event')
  }],
  ['one’s own pages', async (page) => {
    await page.goto('/me/activity')
    await page.locator('.own-open').first().click()
    await page.locator('.own-detail').waitFor()
    await check(page, 'my activity')
    await page.getByRole('button', { name: /^This wasn/ }).first().click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'this was not me')
    await page.goto('/me/security')
    await page.getByRole('heading', { name: 'Personal tokens' }).waitFor()
    await check(page, 'security')
    await page.getByRole('button', { name: /^You:/ }).click()
    await page.getByRole('menuitem', { name: 'My activity' }).waitFor()
    await check(page, 'user menu')
  }],
  ...['users', 'invitations', 'groups', 'roles', 'bindings', 'access-review', 'sessions', 'stored-events', 'account'].map((tab) => [`settings, ${tab}`, async (page) => {
    await page.goto(`/settings/${tab}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForFunction(() => !document.querySelector('.table-skeleton') && document.querySelector('.page-table, .state, .role-card, .setting'))
    await check(page, tab)
  }]),
  ['settings, making a download and removing events', async (page) => {
    await page.goto('/settings/stored-events')
    await page.getByRole('heading', { level: 1 }).waitFor()
    // What comes in above moves the button: a click that begins on it and ends beside it is none.
    await page.waitForFunction(() => !document.querySelector('.table-skeleton'))
    await page.getByRole('button', { name: 'Make a download' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Space', exact: true }).click()
    await check(page, 'make a download')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Set it for a space' }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'set retention')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Remove events' }).click()
    await page.getByRole('dialog').getByText(/will be removed for good/).waitFor()
    await check(page, 'remove events')
  }],
  ['settings, a user, an invitation and a History', async (page) => {
    await page.goto('/settings/users')
    await page.locator('.row-link').first().click()
    await page.getByRole('complementary', { name: 'User' }).getByRole('heading', { name: 'Roles' }).waitFor()
    await check(page, 'user')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Invite' }).click()
    await page.getByRole('dialog').waitFor()
    await check(page, 'invite')
    await page.goto('/settings/account?view=history')
    await page.getByRole('list', { name: 'History' }).or(page.getByText('Nothing has changed yet')).waitFor()
    await check(page, 'history')
  }],
]

export const journeys = ['light', 'dark'].flatMap((theme) => [
  ...scenes.map(([name, walk]) => ({ name: `accessible, ${theme}: ${name}`, theme, looksOnly: true, walk: ({ page }) => walk(page) })),
  { name: `accessible, ${theme}: signing in`, theme, signedOut: true, walk: async ({ page }) => { await page.goto('/sign-in?error=used'); await page.getByRole('alert').waitFor(); await check(page, 'sign in') } },
  { name: `accessible, ${theme}: phone`, theme, viewport: { width: 390, height: 844 }, walk: async ({ page }) => {
    await open(page)
    await check(page, 'list')
    await page.getByRole('button', { name: 'Show facets' }).click()
    await page.getByRole('dialog', { name: 'Facets' }).waitFor()
    await check(page, 'facets')
  } },
])
