import { expect, test } from 'vitest'
import { lineOfRule } from './ruleInText'
import { statedComparison } from './statedComparison'

const TEXT = `title: A
id: a
level: high
tests: []
---
title: B
id: 'b'
correlation:
  type: event_count
  condition: {gte: 10}
`
const BLOCK = `id: c
correlation:
  condition:
    field: x
    lt: 2.5
tests:
  - {gte: 99}
`

test('a rule begins where its document does', () => expect(['a', 'b', 'none'].map((id) => lineOfRule(TEXT, id))).toEqual([1, 6, 1]))
test('the comparison is read from the rule’s own document, and not from its tests', () => {
  expect(statedComparison(TEXT, 'b')).toBe('gte')
  expect(statedComparison(TEXT, 'a')).toBeUndefined()
  expect(statedComparison(BLOCK, 'c')).toBe('lt')
})
