import { expect, test } from 'vitest'
import { filtersIn, lineOfRule } from './ruleInText'
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

test('filters of a text are counted, not what only looks like one', () => {
  expect(filtersIn(TEXT)).toBe(0)
  expect(filtersIn('title: A\nid: a\nfilter: {rules: any, sel: {a: b}, condition: not sel}\n---\ntitle: B\nid: b\nfilter:\n  rules: any\n')).toBe(2)
  expect(filtersIn('title: A\nid: a\ndetection:\n  filter: {a: b}\n  condition: not filter\n# filter: no\n')).toBe(0)
})
