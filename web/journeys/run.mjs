// Runs the journeys in Chromium: `npm run journeys [-- part of a name]`.
//
//   WHODID_JOURNEY_URL   the server; without it the mock is started and walked through instead
//   WHODID_JOURNEY_LINK  a fresh one-time sign-in link of it
//   WHODID_JOURNEY_KEY   an ingestion key of its account
//   WHODID_JOURNEY_BINARY  a whodid binary, for journeys that start a server of their own; skipped without it
//   WHODID_CHROMIUM      the browser, /usr/bin/chromium otherwise
//
// The server holds at least a few hundred events of the last day, some of them failures, some by bob.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { journeys as accessibility } from './accessibility.spec.mjs'
import { journeys as activity } from './activity.spec.mjs'
import { journeys as alerts } from './alerts.spec.mjs'
import { journeys as channels } from './channels.spec.mjs'
import { journeys as keeping } from './keeping.spec.mjs'
import { journeys as pages } from './pages.spec.mjs'
import { journeys as people } from './people.spec.mjs'
import { journeys as provider } from './provider.spec.mjs'
import { journeys as rules } from './rules.spec.mjs'
import { journeys as searches } from './searches.spec.mjs'
import { journeys as signIn } from './sign-in.spec.mjs'
import { journeys as start } from './start.spec.mjs'

const STEP_MS_MAX = 20_000
const only = process.argv[2] ?? ''

async function subject() {
  const { WHODID_JOURNEY_URL: url, WHODID_JOURNEY_LINK: link, WHODID_JOURNEY_KEY: key } = process.env
  if (url) {
    if (!link || !key) throw new Error('WHODID_JOURNEY_URL also needs WHODID_JOURNEY_LINK and WHODID_JOURNEY_KEY')
    return { name: url, url: url.replace(/\/$/, ''), link, key, stop: () => undefined }
  }
  if (!existsSync(join(import.meta.dirname, '../dist/index.html'))) throw new Error('the mock serves dist/: run `npm run build` first')
  const { startMock } = await import('../mock/server.mjs')
  return { name: 'the mock', ...(await startMock({ port: 0, rate: 0, events: 4000 })) }
}

const server = await subject()
const browser = await chromium.launch({
  executablePath: process.env.WHODID_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
let session
let passed = 0
let failed = 0

for (const journey of [...signIn, ...activity, ...pages, ...people, ...provider, ...keeping, ...rules, ...alerts, ...channels, ...searches, ...start, ...accessibility]) {
  // The first journey signs in; without it no other can be walked.
  if (!journey.name.includes(only) && !journey.signsIn) continue
  const reason = journey.skip?.()
  if (reason !== undefined) {
    console.log(`skipped: ${journey.name}: ${reason}`)
    continue
  }
  const started = performance.now()
  const context = await browser.newContext({
    baseURL: server.url, viewport: journey.viewport ?? { width: 1440, height: 900 }, colorScheme: journey.theme ?? 'light', timezoneId: 'Europe/Berlin', locale: 'en-GB', acceptDownloads: true,
    ...(journey.signedOut || journey.signsIn ? {} : { storageState: session }),
  })
  context.setDefaultTimeout(STEP_MS_MAX)
  const page = await context.newPage()
  const complaints = []
  page.on('pageerror', (error) => complaints.push(`the page threw: ${error.message}`))
  page.on('console', (message) => { if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text()) })
  try {
    await journey.walk({ page, context, server })
    if (complaints.length > 0) throw new Error(complaints.join('\n'))
    if (journey.signsIn) session = await context.storageState()
    passed += 1
    console.log(`ok    ${journey.name} (${Math.round(performance.now() - started)} ms)`)
  } catch (error) {
    failed += 1
    console.log(`FAIL  ${journey.name}\n${String(error.stack ?? error).replace(/^/gm, '      ')}`)
    if (process.env.WHODID_JOURNEY_SHOTS) await page.screenshot({ path: join(process.env.WHODID_JOURNEY_SHOTS, `${journey.name.replace(/\W+/g, '-')}.png`) }).catch(() => undefined)
  }
  await context.close()
  if (journey.signsIn && !session) break
}
await browser.close()
server.stop()
console.log(`journeys: ${passed} passed, ${failed} failed, against ${server.name}`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
