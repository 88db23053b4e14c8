// Screenshots of every page and state, to look at: node mock/shots.mjs FOLDER [name part, or `people`, `rules` or `insights` for those pages] [wide or phone]
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { scenes as insights } from './insight-scenes.mjs'
import { scenes as people } from './people-scenes.mjs'
import { scenes as rules } from './rule-scenes.mjs'
import { startMock } from './server.mjs'

const [folder = '/tmp/whodid-shots', only = '', onlySize = ''] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
const mock = await startMock({ port: 0, needSession: false, rate: 4 })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })

const ready = (page) => page.getByRole('row').nth(8).waitFor()
const openRow = async (page) => { await ready(page); await page.getByRole('row').filter({ hasText: 'denied' }).or(page.getByRole('row').filter({ hasText: 'refused' })).first().click(); await page.getByRole('complementary', { name: 'Event', exact: true }).getByRole('heading').first().waitFor() }
const scenes = [
  ...people,
  ...rules,
  ...insights,
  ['activity', '/activity', ready],
  ['range-30d', '/activity?from=now-30d&q=service:==kms', ready],
  ['drawer', '/activity?q=outcome:==failure+initiator.name:==bob', openRow],
  ['drawer-fields', '/activity?q=outcome:==failure+initiator.name:==bob&tab=fields', openRow],
  ['drawer-json', '/activity?q=outcome:==failure+initiator.name:==bob&tab=json', openRow],
  ['drawer-around', '/activity?q=outcome:==failure+initiator.name:==bob&tab=around', openRow],
  ['facets', '/activity?q=(outcome:==failure+OR+outcome:==pending)+-region:==us-south+service:==kms', async (page, phone) => { await ready(page); if (phone) await page.getByRole('button', { name: 'Show facets' }).click() }],
  ['suggest', '/activity', async (page) => { await ready(page); await page.getByRole('combobox', { name: 'Search events' }).fill('outcome:fa'); await page.getByRole('option').first().waitFor() }],
  ['query-error', '/activity', async (page) => { await ready(page); await page.getByRole('combobox', { name: 'Search events' }).fill('action:kms.* (outcome:failure OR bob'); await page.getByText('never closed').waitFor() }],
  ['query-error-link', '/activity?q=action:kms.*+(outcome:failure', (page) => page.getByText('cannot be read').waitFor()],
  ['time', '/activity', async (page) => { await ready(page); await page.getByRole('button', { name: /Time range/ }).click(); await page.getByText('Last 7 days').waitFor() }],
  ['columns', '/activity?cols=time,who,what,result,target.id,requestData.requestURI', async (page) => { await ready(page); await page.getByRole('button', { name: 'Columns' }).click(); await page.getByText('Any field or path').waitFor() }],
  ['export', '/activity?q=service:==kms', async (page) => { await ready(page); await page.getByRole('button', { name: /Export|^$/ }).last().click().catch(() => undefined); await page.getByRole('link', { name: /Download/ }).waitFor() }],
  ['value-menu', '/activity', async (page, phone) => { await ready(page); if (phone) return; await page.getByRole('gridcell').nth(8).hover(); await page.getByRole('gridcell').nth(8).getByRole('button').click(); await page.getByRole('menuitem').first().waitFor() }],
  ['live', '/activity?live=1&from=now-1h', async (page) => { await ready(page); await page.getByText('Live', { exact: true }).last().waitFor(); await page.getByRole('button', { name: 'Pause' }).click(); await page.getByRole('button', { name: /new events?: show/ }).waitFor() }],
  ['empty', '/activity?q=initiator.name:==bob+action:==nothing.such', (page) => page.getByText('Nothing matches').waitFor()],
  ['nearest', '/activity?q=outcome:==failure&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z', (page) => page.getByText('Nothing matches').waitFor()],
  ['rejects', '/rejects', (page) => page.getByRole('row').nth(3).waitFor()],
  ['palette', '/activity', async (page) => { await ready(page); await page.keyboard.press('Control+k'); await page.getByRole('listbox', { name: 'Commands' }).waitFor() }],
  ['help', '/activity', async (page) => { await ready(page); await page.keyboard.press('?'); await page.getByText('Keyboard shortcuts').waitFor() }],
  ['first-run', '/activity', (page) => page.getByText('Send your first event').waitFor(), { empty: '1' }],
  ['error', '/activity', (page) => page.getByText('The journal refuses writes').waitFor(), { fail: '/events' }],
]
for (const [width, height, size] of [[1440, 900, 'wide'], [390, 844, 'phone']]) {
  if (!size.includes(onlySize)) continue
  for (const theme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, hasTouch: size === 'phone', timezoneId: 'Europe/Berlin' })
    const page = await context.newPage()
    page.on('console', (message) => { if (message.type() === 'error' && !/status of (4|5)/.test(message.text())) console.log(`! ${size} ${theme}: ${message.text()}`) })
    page.on('pageerror', (error) => console.log(`! ${size} ${theme}: ${error.stack}`))
    for (const [name, path, act, switches] of scenes) {
      const group = { people, rules, insights }[only]
      if (group ? !group.some((scene) => scene[0] === name) : !name.includes(only)) continue
      await fetch(`${mock.url}/mock?${new URLSearchParams({ empty: '0', fail: '', as: 'administrator', stale: '0', needs: '', calm: '0', learning: '0', provider: '0', reports: '1', signed_in: '1', ...switches })}`)
      try {
        await page.goto(mock.url + path)
        page.setDefaultTimeout(8000)
        await act(page, size === 'phone')
        await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => undefined)
      } catch (error) {
        console.log(`? ${name} ${size} ${theme}: ${String(error.message).split('\n')[0]}`)
      }
      await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`) })
    }
    await context.close()
  }
}
await browser.close()
mock.stop()
console.log(`screenshots in ${folder}`)
