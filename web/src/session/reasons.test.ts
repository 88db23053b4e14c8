import { expect, test } from 'vitest'
import { Problem } from '../api/problem'
import { reasonOf, reasonOfAddress } from './reasons'

test('whatever the server leads back with has words of its own', () => {
  const codes = ['expired', 'used', 'second_factor', 'provider_unavailable', 'provider_refused', 'no_role', 'name_taken', 'disabled', 'internal']
  for (const code of codes) expect(reasonOfAddress(code), code).not.toContain('did not work')
  expect(new Set(codes.map(reasonOfAddress)).size).toBe(codes.length)
})
test('a code from elsewhere shows itself, not too long', () => expect(reasonOfAddress('x'.repeat(99))).toBe(`Signing in did not work (${'x'.repeat(60)}). Try again.`))
test('a refusal of the API keeps its own words where they know more', () => expect(reasonOf(new Problem(409, { code: 'name_taken', detail: 'frank is a user of this account already.' }))).toBe('frank is a user of this account already.'))
