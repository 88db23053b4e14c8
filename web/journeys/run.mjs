// Runs the journeys in Chromium: `npm run journeys [-- part of a name]`.
//
//   WHODID_JOURNEY_URL   the server; without it the mock is started and walked through instead
//   WHODID_JOURNEY_LINK  a fresh one-time sign-in link of it
//   WHODID_JOURNEY_KEY   an ingestion key of its account
//   WHODID_JOURNEY_URL_2, _LINK_2, _KEY_2  the same of a second server: the journeys are then walked in two lanes side by side
//   WHODID_JOURNEY_BINARY  a whodid binary, for journeys that start a server of their own; skipped without it
//   WHODID_CHROMIUM      the browser, /usr/bin/chromium otherwise
//
// A server holds at least a few hundred events of the last day, some of them failures, some by bob.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { journeys as accessibility } from './accessibility.spec.mjs'
import { journeys as activity } from './activity.spec.mjs'
import { journeys as alerts } from './alerts.spec.mjs'
import { journeys as channels } from './channels.spec.mjs'
import { journeys as insights } from './insights.spec.mjs'
import { journeys as keeping } from './keeping.spec.mjs'
import { journeys as packages } from './packages.spec.mjs'
import { journeys as pages } from './pages.spec.mjs'
import { journeys as people } from './people.spec.mjs'
import { journeys as provider } from './provider.spec.mjs'
import { journeys as rulePages } from './rule-pages.spec.mjs'
import { journeys as rules } from './rules.spec.mjs'
import { journeys as searches } from './searches.spec.mjs'
import { journeys as signIn } from './sign-in.spec.mjs'
import { journeys as start } from './start.spec.mjs'

const STEP_MS_MAX = 20_000
const only = process.argv[2] ?? ''

/**
 * The files, in the order in which one server sees them, and in which of two lanes each is walked.
 *
 * A fixed split, so that a file finds the same on every run; it is even while the seconds told at the end are. No file
 * needs another, but those that only look at pages come last in their lane: there is more on them then.
 */
const files = [
  { name: 'sign-in', lane: 1, journeys: signIn },
  { name: 'activity', lane: 1, journeys: activity },
  { name: 'pages', lane: 1, journeys: pages },
  { name: 'people', lane: 1, journeys: people },
  { name: 'provider', lane: 1, journeys: provider },
  { name: 'keeping', lane: 1, journeys: keeping },
  { name: 'rules', lane: 2, journeys: rules },
  { name: 'packages', lane: 2, journeys: packages },
  { name: 'alerts', lane: 2, journeys: alerts },
  { name: 'insights', lane: 2, journeys: insights },
  { name: 'channels', lane: 2, journeys: channels },
  { name: 'searches', lane: 2, journeys: searches },
  { name: 'start', lane: 2, journeys: start },
  { name: 'accessibility', lane: 1, journeys: accessibility },
  { name: 'rule-pages', lane: 2, journeys: rulePages },
]

/** The servers to walk through: those that the environment names, otherwise the mock. */
async function subjects() {
  if (process.env.WHODID_JOURNEY_URL) return ['', '_2'].filter((suffix) => process.env[`WHODID_JOURNEY_URL${suffix}`]).map(named)
  if (!existsSync(join(import.meta.dirname, '../dist/index.html'))) throw new Error('the mock serves dist/: run `npm run build` first')
  const { startMock } = await import('../mock/server.mjs')
  return [{ name: 'the mock', ...(await startMock({ port: 0, rate: 0, events: 4000 })) }]
}

function named(suffix) {
  const [url, link, key] = ['URL', 'LINK', 'KEY'].map((part) => process.env[`WHODID_JOURNEY_${part}${suffix}`])
  if (!link || !key) throw new Error(`WHODID_JOURNEY_URL${suffix} also needs WHODID_JOURNEY_LINK${suffix} and WHODID_JOURNEY_KEY${suffix}`)
  return { name: url, url: url.replace(/\/$/, ''), link, key, stop: () => undefined }
}

/**
 * Walks the journeys of `own` through `server`, one after another in a browser of its own.
 *
 * What is printed of a journey goes out in one piece: another lane may print at the same time. `lane` stands with it.
 */
async function walkLane(server, own, lane) {
  const browser = await chromium.launch({
    executablePath: process.env.WHODID_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
  const walked = { passed: 0, failed: [], seconds: [] }
  let session
  let kept

  /** A browser's context with one page, as a person who has just come has it; `complaints` fill while it is open. */
  async function begin({ theme = 'light', viewport = { width: 1440, height: 900 } }, storageState) {
    const context = await browser.newContext({ baseURL: server.url, viewport, colorScheme: theme, timezoneId: 'Europe/Berlin', locale: 'en-GB', acceptDownloads: true, ...(storageState && { storageState }) })
    context.setDefaultTimeout(STEP_MS_MAX)
    const page = await context.newPage()
    const complaints = []
    page.on('pageerror', (error) => complaints.push(`the page threw: ${error.message}`))
    page.on('console', (message) => { if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text()) })
    return { context, page, complaints }
  }

  /** Where a journey is walked. Those that only look follow each other in one page, whose scripts the browser then has. */
  async function placeFor(journey) {
    const key = journey.looksOnly ? JSON.stringify([journey.theme, journey.viewport]) : undefined
    if (key !== undefined && key === kept?.key) return kept
    await kept?.context.close()
    kept = undefined
    const place = { key, ...(await begin(journey, journey.signedOut || journey.signsIn ? undefined : session)) }
    if (key !== undefined) kept = place
    return place
  }

  async function walk(journey) {
    const reason = journey.skip?.()
    if (reason !== undefined) {
      console.log(`skipped: ${journey.name}: ${reason}`)
      return
    }
    const started = performance.now()
    const place = await placeFor(journey)
    const { context, page, complaints } = place
    complaints.length = 0
    try {
      await journey.walk({ page, context, server })
      if (complaints.length > 0) throw new Error(complaints.join('\n'))
      if (journey.signsIn) session = await context.storageState()
      walked.passed += 1
      console.log(`ok    ${journey.name} (${[`${Math.round(performance.now() - started)} ms`, ...lane].join(', ')})`)
    } catch (error) {
      walked.failed.push(journey.name)
      console.log(`FAIL  ${[journey.name, ...lane].join(', ')}\n${String(error.stack ?? error).replace(/^/gm, '      ')}`)
      if (process.env.WHODID_JOURNEY_SHOTS) await page.screenshot({ path: join(process.env.WHODID_JOURNEY_SHOTS, `${[...lane, journey.name].join('-').replace(/\W+/g, '-')}.png`) }).catch(() => undefined)
      kept = undefined
    }
    if (place !== kept) await context.close()
  }

  // Each server is signed in to first; without that no other journey can be walked.
  await walk(signIn.find((journey) => journey.signsIn))
  for (const { name, journeys } of session ? own : []) {
    const chosen = journeys.filter((journey) => !journey.signsIn && journey.name.includes(only))
    const started = performance.now()
    for (const journey of chosen) await walk(journey)
    if (chosen.length > 0) walked.seconds.push(`${name} ${Math.round((performance.now() - started) / 1000)} s`)
  }
  await browser.close()
  return walked
}

const servers = await subjects()
const laneOf = (index) => (servers.length > 1 ? [`lane ${index + 1}`] : [])
const began = performance.now()
const lanes = await Promise.all(servers.map((server, index) => walkLane(server, files.filter(({ lane }) => servers.length === 1 || lane === index + 1), laneOf(index))))
for (const server of servers) server.stop()
const passed = lanes.reduce((so, walked) => so + walked.passed, 0)
const failed = lanes.flatMap((walked) => walked.failed)
for (const [index, { seconds }] of lanes.entries()) console.log([...laneOf(index), seconds.join(', ')].join(': '))
console.log(`journeys took ${Math.round((performance.now() - began) / 1000)} s`)
// The closing line is all that some records keep of a run.
const whichFailed = failed.length > 0 ? ` (${failed.join('; ')})` : ''
console.log(`journeys: ${passed} passed, ${failed.length} failed${whichFailed}, against ${servers.map(({ name }) => name).join(' and ')}`)
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0
