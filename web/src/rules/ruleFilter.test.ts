import { describe, expect, test } from 'vitest'
import type { RuleSummary } from '../api/shapes'
import { counts, filtered, foundOf, levelOf, type RuleFilter } from './ruleFilter'

const rule = (id: string, more: Partial<RuleSummary> = {}): RuleSummary => ({
  id, title: id, description: '', kind: 'match', level: 'medium', author: 'whodid', tags: [], is_enabled: true, is_reported: true, is_tuned: false, tests: 2, package: 'aws-basics', ...more,
})
const RULES = [
  rule('b-key-deleted', { level: 'high', tags: ['attack.t1485'] }),
  rule('a-failed-logins', { kind: 'event_count', package: 'account-sign-in', is_tuned: true }),
  rule('c-own', { package: null, is_enabled: false, tests: 0, level: 'critical' }),
]
const robots = rule('d-robots', { kind: 'filter', package: null, is_reported: false, tests: 0, description: 'Narrows every rule.' })
const ids = (filter: RuleFilter) => filtered(RULES, filter).map((one) => one.id)

describe('rules', () => {
  test('come by title when nothing is asked for', () => expect(ids({})).toEqual(['a-failed-logins', 'b-key-deleted', 'c-own']))
  test('are found by every word, in any order, by kind and technique too', () => {
    expect(ids({ find: 'deleted KEY' })).toEqual(['b-key-deleted'])
    expect(ids({ find: 'count' })).toEqual(['a-failed-logins'])
    expect(ids({ find: 't1485' })).toEqual(['b-key-deleted'])
    expect(ids({ find: 'key nothing' })).toEqual([])
  })
  test('are limited by package, level and state together', () => {
    expect(ids({ package: 'aws-basics' })).toEqual(['b-key-deleted'])
    expect(ids({ package: 'own' })).toEqual(['c-own'])
    expect(ids({ level: 'critical', state: 'off' })).toEqual(['c-own'])
    expect(ids({ state: 'tuned' })).toEqual(['a-failed-logins'])
    expect(ids({ state: 'untested' })).toEqual(['c-own'])
  })
  test('that are filters are among them, but not by what filters have not', () => {
    const found = (filter: RuleFilter) => filtered([...RULES, robots], filter).map((one) => one.id)
    expect(found({ find: 'filter' })).toEqual(['d-robots'])
    expect(found({ state: 'filters' })).toEqual(['d-robots'])
    expect(found({ package: 'own' })).toEqual(['c-own', 'd-robots'])
    for (const filter of [{ state: 'counted' }, { state: 'untested' }, { level: 'medium' }]) expect(found(filter)).not.toContain('d-robots')
    expect(found({ sort: 'level' }).at(-1)).toBe('d-robots')
    expect([...counts([...RULES, robots], levelOf).values()]).toEqual([1, 1, 1])
  })
  test('that cannot run are not taken for such as others count', () => {
    const [counted, broken] = [rule('part', { is_reported: false }), rule('broken', { is_reported: false, problem: 'the rule needs values' })]
    expect(filtered([counted, broken], { state: 'counted' })).toEqual([counted])
  })
  test('a value that means nothing limits nothing', () => expect(ids({ state: 'nonsense' })).toHaveLength(3))
  test('are sorted by any column, both ways', () => {
    expect(ids({ sort: 'level' })).toEqual(['c-own', 'b-key-deleted', 'a-failed-logins'])
    expect(ids({ sort: '-level' })).toEqual(['a-failed-logins', 'b-key-deleted', 'c-own'])
    expect(ids({ sort: '-title' })).toEqual(['c-own', 'b-key-deleted', 'a-failed-logins'])
    expect(ids({ sort: 'on' })).toEqual(['a-failed-logins', 'b-key-deleted', 'c-own'])
  })
  test('are sorted by what they found, those that found nothing last', () => {
    const found = new Map([['a-failed-logins', { rule_id: 'a-failed-logins', found: [0, 2], silenced: 1 }], ['c-own', { rule_id: 'c-own', found: [3, 0], silenced: 0 }]])
    expect(filtered(RULES, { sort: '-found' }, found).map((one) => one.id)).toEqual(['c-own', 'a-failed-logins', 'b-key-deleted'])
    expect(foundOf(found, 'b-key-deleted')).toBe(0)
  })
})
