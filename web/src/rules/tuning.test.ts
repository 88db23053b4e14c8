import { expect, test } from 'vitest'
import type { RuleSummary } from '../api/shapes'
import { UNSTATED } from './statedPolicy'
import { asStated, KEEP, tuningOf, type TuningDraft } from './tuning'

const before: TuningDraft = { ...UNSTATED, dedup_key: 'initiator.name', level: KEEP, comparison: '10' }

test('nothing is sent of what was left as it is', () => {
  expect(tuningOf(before, before)).toEqual({})
  expect(tuningOf(before, { ...before, comparison: '' })).toEqual({})
})
test('a policy goes whole, so that the rule’s own stays where it was not changed', () => {
  expect(tuningOf(before, { ...before, level: 'low', comparison: '20', daily_cap: '5' })).toEqual({
    level: 'low', threshold: 20, policy: { dedup_key: ['initiator.name'], dedup_window: '60m', threshold: 1, threshold_window: '60m', daily_cap: 5 },
  })
})
test('a reset says what the text says', () => {
  expect(asStated('id: a\ncorrelation:\n  condition: {gte: 4}\nwhodid:\n  policy: {dedup_window: 2h}\n', { id: 'a', kind: 'event_count' } as RuleSummary)).toEqual({
    level: 'default', threshold: 4, policy: { dedup_key: [], dedup_window: '2h', threshold: 1, threshold_window: '60m' },
  })
})
