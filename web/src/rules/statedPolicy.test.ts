import { describe, expect, test } from 'vitest'
import { lineOfRule, statedLevel, statedPolicy, statedThreshold, UNSTATED } from './statedPolicy'

const FLOW = `title: A
id: a
level: high
whodid:
  policy: {dedup_key: [initiator.name, target.id], dedup_window: 24h, daily_cap: 20}
tests: []
---
title: B
id: 'b'
correlation:
  type: event_count
  condition: {gte: 10}
whodid: {policy: {threshold: 3, threshold_window: 10m}, next_steps: [look]}
`
const BLOCK = `id: c
correlation:
  condition:
    field: x
    lt: 2.5
whodid:
  policy:
    dedup_key:
      - initiator.name
      - 'target.id'
    dedup_window: 0 # every match
    threshold: 2
  next_steps:
    - policy
tests:
  - {gte: 99}
`

describe('the policy that a rule states', () => {
  test('is read on one line', () => {
    expect(statedPolicy(FLOW, 'a')).toEqual({ ...UNSTATED, dedup_key: 'initiator.name, target.id', dedup_window: '24h', daily_cap: '20' })
    expect(statedPolicy(FLOW, 'b')).toEqual({ ...UNSTATED, threshold: '3', threshold_window: '10m' })
  })
  test('is read as a block', () => {
    expect(statedPolicy(BLOCK, 'c')).toEqual({ ...UNSTATED, dedup_key: 'initiator.name, target.id', dedup_window: '0', threshold: '2' })
  })
  test('is the common one where there is none', () => expect(statedPolicy('id: d\ntitle: none\n', 'd')).toEqual(UNSTATED))
})

test('the level and the comparison are read from the rule’s own document', () => {
  expect(statedLevel(FLOW, 'a')).toBe('high')
  expect(statedLevel(FLOW, 'b')).toBeUndefined()
  expect(statedThreshold(FLOW, 'b')).toEqual({ comparison: 'gte', value: '10' })
  expect(statedThreshold(BLOCK, 'c')).toEqual({ comparison: 'lt', value: '2.5' })
  expect(statedThreshold(FLOW, 'a')).toBeUndefined()
})

test('a rule begins where its document does', () => expect(['a', 'b', 'none'].map((id) => lineOfRule(FLOW, id))).toEqual([1, 8, 1]))
