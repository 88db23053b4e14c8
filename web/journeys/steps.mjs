// What the journeys share: finding the parts of the pages by role and name, and sending events.
import assert from 'node:assert/strict'

export const search = (page) => page.getByRole('combobox', { name: 'Search events' })
export const rows = (page) => page.getByRole('grid', { name: 'Events' }).locator('[role=row][data-index]')
export const drawer = (page) => page.getByRole('complementary', { name: 'Event', exact: true })
export const stats = (page) => page.locator('.stats-line')
export const chips = (page) => page.getByRole('list', { name: 'Filters' })

export async function open(page, search = '') {
  await page.goto(`/activity${search}`)
  await rows(page).first().waitFor()
}

/** Waits until `read` gives what `fits`; the page may need a moment. */
export async function until(what, read, fits, patience = 10_000) {
  const end = performance.now() + patience
  let last
  do {
    last = await read()
    if (fits(last)) return last
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  } while (performance.now() < end)
  assert.fail(`${what}: ${JSON.stringify(last)}`)
}

/** The number of matching events, once it belongs to what is asked for now. */
export async function total(page) {
  await page.waitForFunction(() => /^[\d,]+/.test(document.querySelector('.stats-line strong')?.textContent ?? ''))
  return Number((await stats(page).locator('strong').textContent()).replaceAll(',', ''))
}

export const address = (page) => new URL(page.url()).searchParams

export async function send(server, lines) {
  const answer = await fetch(`${server.url}/api/v1/events?format=auto`, {
    method: 'POST', headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/x-ndjson' },
    body: lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return answer.json()
}

let made = 0
/** A word that no other run used. */
export const unique = (word) => `${word}${Date.now().toString(36)}${(made += 1).toString(36)}`

export function event(action, more = {}) {
  return {
    typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event', id: unique('journey-'), eventType: 'activity', eventTime: new Date().toISOString(), action, outcome: 'success',
    initiator: { id: 'id-journey', name: 'journey-walker', typeURI: 'service/security/account/user', host: { address: '192.0.2.77', agent: 'journey/1.0' } },
    target: { id: 'journey-target', name: 'k99', typeURI: 'kms/secrets' }, observer: { id: 'journey', name: 'journey', typeURI: 'service' }, reason: { reasonCode: 200, reasonType: 'OK' }, severity: 'normal', ...more,
  }
}
