import { expect, test } from 'vitest'
import type { RuleDetail } from '../api/shapes'
import { differing, heldOf, isSame, statedOf, tuningOf } from './tuning'

const detail = {
  rule: { kind: 'event_count' },
  stated: { level: 'medium', threshold: 5, policy: { dedup_key: [], dedup_window: '1h', threshold: 1, threshold_window: '1h' } },
  tuning: { level: 'high', policy: { dedup_key: [], dedup_window: '4h', threshold: 1, threshold_window: '1h', daily_cap: 9 } },
} as unknown as RuleDetail

test('what holds is what was tuned, else what the rule says', () => {
  expect(heldOf(detail)).toEqual({ level: 'high', comparison: '5', dedup_key: '', dedup_window: '4h', threshold: '1', threshold_window: '1h', daily_cap: '9' })
  expect(differing(statedOf(detail), heldOf(detail))).toEqual(['level', 'dedup_window', 'daily_cap'])
})
test('values that mean the same are the same', () => {
  expect(isSame('dedup_window', '60m', '1h')).toBe(true)
  expect(isSame('dedup_window', '0', '0s')).toBe(true)
  expect(isSame('dedup_key', 'a,b', 'a, b')).toBe(true)
  expect(isSame('comparison', '5.0', '5')).toBe(true)
  expect(isSame('daily_cap', '', '0')).toBe(false)
})
test('only what differs from the rule is set; taking one value back leaves the others', () => {
  const held = heldOf(detail)
  expect(tuningOf(statedOf(detail), { ...held, dedup_window: '60m', comparison: '8' })).toEqual({ reset: true, level: 'high', threshold: 8, policy: { daily_cap: 9 } })
  expect(tuningOf(statedOf(detail), statedOf(detail))).toEqual({ reset: true })
})
test('the rule’s own limit is taken away by none, and stays away', () => {
  const limited = { ...detail, stated: { ...detail.stated, policy: { ...detail.stated.policy, daily_cap: 20 } } }
  expect(tuningOf(statedOf(limited), { ...statedOf(limited), daily_cap: '' })).toEqual({ reset: true, policy: { daily_cap: 0 } })
  const { dedup_key, dedup_window, threshold, threshold_window } = detail.tuning.policy ?? {}
  expect(heldOf({ ...limited, tuning: { policy: { dedup_key, dedup_window, threshold, threshold_window } } }).daily_cap).toBe('')
})
test('a rule without a comparison has none to tune', () => {
  expect(statedOf({ ...detail, rule: { ...detail.rule, kind: 'match' } }).comparison).toBe('')
})
