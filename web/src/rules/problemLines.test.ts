import { describe, expect, test } from 'vitest'
import type { PlacedProblem } from '../api/rules'
import { documentSpans, placeText, problemLine } from './problemLines'

const TEXT = `title: First
id: first
level: bad
logsource: {category: activity}
detection:
  sel:
    action|foo: x
  condition: sel
whodid:
  policy: {dedup_window: 5m, foo: 1}
tests:
  - name: one
    expect: match
  - name: two
---
title: Second
id: second
level: low
correlation:
  type: event_count
  rules: [nothing]
  condition:
    gte: many
`
const problem = (message: string, more: Partial<PlacedProblem> = {}): PlacedProblem => ({ document: 1, gravity: 'error', code: 'sigma', message, ...more })
const lineText = (of: PlacedProblem) => TEXT.split('\n')[problemLine(TEXT, of) - 1]?.trim()

describe('the line of a problem', () => {
  test('is the one that the server names', () => {
    expect(problemLine(TEXT, problem("this is no YAML: did not find expected ',' or ']' at line 7 column 1, while parsing a flow sequence at line 6 column 6", { code: 'yaml' }))).toBe(7)
    expect(problemLine('a', problem('this is no YAML at line 9 column 1'))).toBe(1)
    expect(problemLine(TEXT, problem('this is no YAML: it is cut short', { code: 'yaml', line: 12 }))).toBe(12)
    expect(problemLine('a', problem('this is no YAML', { code: 'yaml', line: 9 }))).toBe(1)
  })
  test('is where the quoted word stands', () => {
    expect(lineText(problem("the level 'bad' is not one of informational, low", { code: 'level' }))).toBe('level: bad')
    expect(lineText(problem("Unknown modifier 'foo'"))).toBe('action|foo: x')
    expect(lineText(problem("'policy.foo' is not one of dedup_key", { code: 'policy' }))).toBe('policy: {dedup_window: 5m, foo: 1}')
  })
  test('is looked for in the document that it is about', () => {
    expect(lineText(problem("'condition.gte' must be a number", { document: 2, code: 'condition' }))).toBe('gte: many')
    expect(lineText(problem("refers to 'nothing', which is no rule's id", { document: 2, code: 'unknown_rule' }))).toBe('rules: [nothing]')
    expect(lineText(problem('something about the level', { document: 2, code: 'level' }))).toBe('level: low')
  })
  test('is looked for from the line on which the server says that its document begins', () => {
    const text = `---\n---\ntitle: First\nlevel: low\n---\ntitle: Second\nlevel: bad\n`
    expect(problemLine(text, problem("the level 'bad' is not one of low", { document: 3, line: 6, code: 'level' }))).toBe(7)
    expect(problemLine(text, problem('who knows', { document: 3, line: 6, code: 'other' }))).toBe(6)
    expect(problemLine(text, problem('who knows', { document: 1, line: 2, code: 'other' }))).toBe(3)
  })
  test('of a test is where that test begins', () => {
    expect(lineText(problem("test 2: 'expect' must be match, no_match or {count: N}", { code: 'tests' }))).toBe('- name: two')
  })
  test('is the beginning of the document where nothing tells better', () => {
    expect(lineText(problem("'timespan' is missing, such as timespan: 15m", { document: 2, code: 'correlation' }))).toBe('correlation:')
    expect(lineText(problem('who knows', { document: 2, code: 'other' }))).toBe('title: Second')
  })
})

test('a mark before the first document begins it', () => {
  expect(documentSpans(['---', 'a: 1', '---', 'b: 2'])).toEqual([[1, 2], [3, 4]])
  expect(documentSpans(['# words', '---', 'a: 1'])).toEqual([[2, 3]])
})

test('where the text is not shown, the line is said, and without one the document', () => {
  expect(placeText({ line: 12, document: 2 })).toBe('line 12')
  expect(placeText({ line: null, document: 2 })).toBe('document 2')
  expect(placeText({ document: 1 })).toBeUndefined()
})
