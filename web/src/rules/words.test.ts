import { describe, expect, test } from 'vitest'
import type { KnownPackage, PackageList } from '../api/rules'
import { detectionText, lookedText, reachOf, rulesText } from './words'

describe('a filter', () => {
  test('says what it narrows in the first sentence', () => {
    expect(reachOf({ description: 'Narrows every rule of the account but those of whodid-self. The backup job may. Ask mara.' })).toEqual({ reach: 'Narrows every rule of the account but those of whodid-self.', rest: 'The backup job may. Ask mara.' })
    expect(reachOf({ description: 'Narrows v1.2-keys, other of the package acme.' })).toEqual({ reach: 'Narrows v1.2-keys, other of the package acme.', rest: '' })
    expect(reachOf({ description: 'Narrows all.\nIn lines.\nTwo.' })).toEqual({ reach: 'Narrows all.', rest: 'In lines.\nTwo.' })
  })
  test('without such a sentence has its own words only', () => expect(reachOf({ description: 'Robots may' })).toEqual({ reach: '', rest: 'Robots may' }))
})

test('rules and filters are counted apart', () => {
  const [rule, filter] = [{ kind: 'match' }, { kind: 'filter' }]
  expect(rulesText([rule, rule])).toBe('2 rules')
  expect(rulesText([])).toBe('0 rules')
  expect(rulesText([rule, filter])).toBe('1 rule, 1 filter')
  expect(rulesText([filter])).toBe('1 filter')
  expect(rulesText([rule, rule, filter], [rule])).toBe('1 of 2 rules, 0 of 1 filter')
  expect(rulesText([rule, rule], [])).toBe('0 of 2 rules')
})

test('what was let go is told in words, and only what there is', () => {
  const status = { rules: 3, behind: 0, dropped_groups: 0, dropped_matches: 0, without_group: 0, dropped_windows: 0, forgotten_values: 0, state_bytes: 10 }
  expect(detectionText(status).dropped).toBeUndefined()
  expect(detectionText({ ...status, dropped_windows: undefined, forgotten_values: undefined, dropped_groups: 1 }).dropped).toBe('Let go: 1 group, as memory was full.')
  expect(detectionText({ ...status, dropped_matches: 1200, dropped_windows: 2, forgotten_values: 1 }).dropped).toBe(
    'Let go: 1,200 matches, as their group was full; 2 windows of time that were not looked at again for late matches, as there were too many; 1 value or network that a learning rule knew, as its memory was full (it may be told as new).',
  )
})

describe('a look into the bucket', () => {
  const of = (id: string, more: Partial<KnownPackage> = {}): KnownPackage => ({ id, version: '1.0.0', title: id, description: '', author: '', licence: '', sources: [], is_builtin: false, is_enabled: true, needs_configuration: false, rules: 1, variables: [], digest: `sha256:${id}`, file: `${id}.json`, ...more })
  const list = (...packages: KnownPackage[]): PackageList => ({ packages, problems: [] })
  test('says what came, changed and went, of files alone', () => {
    expect(lookedText(list(of('a'), of('b'), of('c', { file: null })), list(of('b', { digest: 'sha256:2' }), of('d'), of('e')))).toBe('Packages from the bucket: 2 came, 1 changed, 1 went')
    expect(lookedText(list(of('a')), list(of('a'), of('b', { file: null })))).toBe('Nothing new in the bucket')
    expect(lookedText(undefined, list(of('a')))).toBe('Nothing new in the bucket')
  })
  test('says that something is wrong where nothing is new', () => {
    expect(lookedText(list(), { packages: [], problems: [{ message: 'It did not answer.' }] })).toBe('Nothing new, and something in the bucket cannot be used')
    expect(lookedText(list(of('a')), list(of('a', { problem: 'this is no JSON' })))).toBe('Nothing new, and something in the bucket cannot be used')
  })
})
