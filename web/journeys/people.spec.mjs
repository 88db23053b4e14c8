// One person's way: invited, joined, with a second factor, seeing only what they may, reporting what was not them.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { event, rows, send, unique, until } from './steps.mjs'

const STEP_MS = 30_000
const password = 'copper kettle on a quiet shelf'

/** RFC 6238 over SHA-1, six digits. */
export function totp(secret, time = Date.now()) {
  let bits = ''
  for (const sign of secret.replace(/[\s=]/g, '')) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(time / STEP_MS)))
  const hash = createHmac('sha1', key).update(counter).digest()
  return String((hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff) % 1e6).padStart(6, '0')
}

/** A code that was not given before: the server takes each only once. */
async function nextCode(secret, used) {
  return until('a fresh code', () => totp(secret), (code) => !used.has(code), STEP_MS + 5000).then((code) => { used.add(code); return code })
}

/** Changes that matter may ask for the password once more. */
async function proveIfAsked(page, code) {
  const ask = page.getByRole('dialog', { name: 'Confirm that it is you' })
  if (await ask.waitFor({ timeout: 1500 }).then(() => true, () => false)) {
    if (await ask.getByLabel('Password', { exact: true }).count()) await ask.getByLabel('Password', { exact: true }).fill(password)
    if (code) await ask.getByLabel(/Code/).fill(await code())
    await ask.getByRole('button', { name: 'Confirm' }).click()
  }
}

async function signInByName(page, name) {
  await page.goto('/sign-in')
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

const rail = (page) => page.getByRole('navigation', { name: 'Pages' })

export const journeys = [
  {
    name: 'somebody is invited, joins, sees only what they may, and says that it was not them',
    async walk({ page, context, server }) {
      const name = unique('walker-')
      const browser = context.browser()
      const person = { baseURL: server.url, viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin', locale: 'en-GB' }
      const used = new Set()

      // The administrator invites, with a role that reaches only one person's deeds in a space.
      await page.goto('/settings/users')
      await page.getByRole('button', { name: 'Invite' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Name to sign in with').fill(name)
      await dialog.getByLabel('Role', { exact: true }).selectOption('analyst')
      await dialog.getByLabel(/Only what this query matches/).fill('action:==journey.seen (')
      await dialog.getByText('never closed').waitFor()
      assert.ok(await dialog.getByRole('button', { name: 'Make the invitation' }).isDisabled())
      await dialog.getByLabel(/Only what this query matches/).fill('action:==journey.seen')
      await dialog.getByRole('button', { name: 'Make the invitation' }).click()
      const link = await page.getByTestId('new-link').textContent()
      assert.match(link, /\/invitation\?token=\S+$/)
      const mark = unique('mark-')
      await send(server, [event('journey.seen', { target: { id: mark, name: mark, typeURI: 'journey/thing' } }), event('journey.hidden', { target: { id: mark, name: mark, typeURI: 'journey/thing' } })])

      // The person follows the link: the token leaves the address, a short password is told as such.
      const theirs = await browser.newContext(person)
      const first = await theirs.newPage()
      await first.goto(link)
      await first.getByRole('heading', { name: /^Join/ }).waitFor()
      assert.ok(!first.url().includes('token'), first.url())
      await first.getByLabel('Password', { exact: true }).fill('short')
      await first.getByText(/5 of at least \d+ characters/).waitFor()
      assert.ok(await first.getByRole('button', { name: 'Join' }).isDisabled())
      await first.getByLabel('Password', { exact: true }).fill(password)
      await first.getByRole('button', { name: 'Join' }).click()
      await rail(first).waitFor()

      // A second factor.
      await first.goto('/me/security')
      await first.getByRole('button', { name: 'Set up', exact: true }).click()
      await proveIfAsked(first)
      const secret = (await first.getByTestId('totp-secret').textContent()).replaceAll(' ', '')
      await first.getByRole('img', { name: /QR code/ }).waitFor()
      await first.getByLabel('Code', { exact: true }).fill(await nextCode(secret, used))
      const codes = first.getByRole('list', { name: 'Recovery codes' })
      await codes.waitFor()
      const recovery = await codes.getByRole('listitem').first().textContent()
      await first.getByLabel('I have kept them').check()
      await first.getByRole('button', { name: 'Done' }).click()
      await first.getByText(/recovery codes are left/).waitFor()

      // Only the rows that the query lets through, and no settings.
      await first.goto(`/activity?q=target.name:===${mark}`)
      await rows(first).first().waitFor()
      assert.equal(await rows(first).count(), 1)
      assert.equal(await rail(first).getByRole('link', { name: 'Audit log' }).count(), 0)
      await first.goto('/settings/users')
      await first.getByRole('heading', { name: 'You may not see this' }).waitFor()
      await first.getByText('users.read').waitFor()

      // Elsewhere, with a recovery code; that session is the other one.
      const elsewhere = await browser.newContext(person)
      const second = await elsewhere.newPage()
      await signInByName(second, name)
      await second.getByRole('heading', { name: 'Second step' }).waitFor()
      await second.getByLabel('Code', { exact: true }).fill('000000')
      await second.getByRole('alert').waitFor()
      // What the identity provider's way in leads to: the code step at once, by a challenge after the hash.
      const challenge = await second.evaluate((body) => fetch('/api/v1/sessions', { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then((answer) => answer.json()), JSON.stringify({ user: name, password }))
      await second.goto('about:blank')
      await second.goto(`/sign-in?next=%2Fme%2Factivity#challenge=${challenge.challenge}`)
      await second.getByRole('heading', { name: 'Second step' }).waitFor()
      assert.ok(!second.url().includes('challenge'), second.url())
      await second.getByRole('button', { name: 'Use a recovery code' }).click()
      await second.getByLabel('Recovery code').fill(recovery)
      await second.getByRole('button', { name: 'Go on' }).click()
      await rail(second).waitFor()
      assert.equal(new URL(second.url()).pathname, '/me/activity')

      // What they did stands on My activity; one of it was not them.
      await first.goto('/me/activity')
      const deeds = first.locator('.own-event')
      await deeds.filter({ hasText: /second factor|mfa/i }).first().waitFor()
      await first.getByRole('button', { name: 'End all others' }).waitFor()
      const signIn = deeds.filter({ hasText: name }).first()
      await signIn.getByRole('button', { name: /^This wasn/ }).click()
      const report = first.getByRole('dialog', { name: 'This wasn’t me' })
      await report.getByLabel(/What do you know about it/).fill('I was asleep.')
      await report.getByRole('button', { name: 'Report it' }).click()
      await proveIfAsked(first, () => nextCode(secret, used))
      const done = first.getByRole('dialog', { name: 'Reported' })
      await done.getByText('One session has ended.').waitFor()
      await done.getByText('Your administrators are told.').waitFor()
      await done.getByRole('button', { name: 'Choose a new password' }).click()
      await first.getByRole('heading', { name: 'Change your password' }).waitFor()
      await first.getByLabel('Password until now').fill(password)
      await first.getByLabel('New password').fill(`${password}, moved`)
      await first.getByRole('button', { name: 'Change the password' }).click()
      await proveIfAsked(first, () => nextCode(secret, used))
      await first.getByText('You are signed in nowhere else.').waitFor()

      // The other session is over.
      await second.goto('/me/activity')
      await until('the other session led to signing in', () => new URL(second.url()).pathname, (path) => path === '/sign-in')

      // The administrator sees it, and what changed.
      await page.goto(`/audit?from=now-1h&q=initiator.name:==${name}`)
      await rows(page).filter({ hasText: 'wasn’t me' }).first().waitFor()
      await page.goto(`/audit?from=now-1h&q=${encodeURIComponent(`action:==whodid.invitation.create target.name:==${name}`)}`)
      await rows(page).first().click()
      const drawer = page.getByRole('complementary', { name: 'Event', exact: true })
      await drawer.getByRole('heading', { name: 'What changed' }).waitFor()
      await drawer.getByRole('row').filter({ hasText: name }).first().waitFor()
      await theirs.close()
      await elsewhere.close()
    },
  },
  {
    name: 'a setting is changed, told before it is saved, and stands in History',
    async walk({ page }) {
      const title = unique('Journey ')
      await page.goto('/settings/account')
      await page.getByLabel('Title').fill(title)
      const bar = page.getByRole('region', { name: 'What would change' })
      await bar.getByText(title).waitFor()
      await bar.getByRole('button', { name: 'Save the change' }).click()
      await proveIfAsked(page)
      await bar.waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'History' }).click()
      await until('History stands in the address', () => new URL(page.url()).searchParams.get('view'), (view) => view === 'history')
      await page.getByRole('list', { name: 'History' }).getByRole('listitem').filter({ hasText: title }).first().waitFor()
    },
  },
  {
    name: 'an account is made and gone to, and every step stays in it',
    async walk({ page }) {
      const account = unique('journey-')
      await page.goto('/settings/accounts')
      await page.getByRole('button', { name: 'Make an account' }).click()
      await page.getByLabel('Name', { exact: true }).fill(account)
      await page.getByLabel('Title (optional)').fill(`Title of ${account}`)
      await page.getByRole('button', { name: 'Make it' }).click()
      await proveIfAsked(page)
      await page.getByRole('button', { name: `Go there: Title of ${account}` }).click()
      const at = () => new URL(page.url()).searchParams.get('account')
      await until('the account stands in the address', at, (name) => name === account)
      const asked = page.waitForRequest((request) => request.url().includes('/api/v1/users') && new URL(request.url()).searchParams.get('account') === account)
      await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Users' }).click()
      await asked
      assert.equal(at(), account)
      await rail(page).getByRole('link', { name: 'Activity', exact: true }).click()
      await until('Activity', () => new URL(page.url()).pathname, (path) => path === '/activity')
      assert.equal(at(), account)
      await page.getByRole('button', { name: /^Account:/ }).click()
      await page.getByRole('menuitemradio').first().click()
      await until('the first account needs no name', at, (name) => name !== account)
    },
  },
  {
    name: 'a group gets a role, and its member has it',
    async walk({ page }) {
      const group = unique('journey team ')
      await page.goto('/settings/groups')
      await page.getByRole('button', { name: 'Make a group' }).click()
      await page.getByLabel('Name').fill(group)
      await page.getByRole('group', { name: 'Members' }).getByRole('checkbox').first().check()
      await page.getByRole('button', { name: 'Make it' }).click()
      await proveIfAsked(page)
      await page.getByRole('button', { name: `Give a role to ${group}` }).click()
      await page.getByLabel('Role', { exact: true }).selectOption('auditor')
      await page.getByRole('button', { name: 'Give', exact: true }).click()
      await proveIfAsked(page)
      await page.getByRole('row').filter({ hasText: group }).getByText('auditor').waitFor()
      await page.getByRole('button', { name: `Delete ${group}` }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
      await proveIfAsked(page)
      await page.getByRole('row').filter({ hasText: group }).waitFor({ state: 'detached' })
    },
  },
]
