import { describe, expect, test } from 'vitest'
import { EMPTY_FORM, eventsOf, formProblem, idOf, items, namedCondition, scalar, yamlOf, type Condition, type RuleForm } from './ruleForm'

const form = (more: Partial<RuleForm>): RuleForm => ({ ...EMPTY_FORM, title: 'A key was deleted', groupBy: '', ...more })
const is = (field: string, value: string, operator = 'is'): Condition => ({ field, operator, value })

describe('the form as YAML', () => {
  test('a condition a line', () => {
    expect(yamlOf(form({ level: 'high', conditions: [is('action', 'kms.secrets.delete'), is('outcome', 'success')], groupBy: 'initiator.name' }))).toBe(`title: A key was deleted
id: own-a-key-was-deleted
level: high
logsource: {category: activity}
detection:
  selection:
    action: kms.secrets.delete
    outcome: success
  condition: selection
whodid:
  policy: {dedup_key: [initiator.name], dedup_window: 60m}
`)
  })
  test('several values are any of them, and what must not be stands apart', () => {
    expect(yamlOf(form({ conditions: [is('action', 'a.b, c.d'), is('initiator.name', 'ci', 'is-not'), is('initiator.host.address', '10.0.0.0/8', 'network-not')] }))).toContain(`  selection:
    action:
      - a.b
      - c.d
  without_1:
    initiator.name: ci
  without_2:
    initiator.host.address|cidr: '10.0.0.0/8'
  condition: selection and not 1 of without_*
`)
  })
  test('a field that is asked twice gets a selection of its own', () => {
    expect(yamlOf(form({ conditions: [is('action', 'kms', 'contains'), is('action', 'delete', 'contains')] }))).toContain(`  selection:
    action|contains: kms
  selection_2:
    action|contains: delete
  condition: all of selection*
`)
  })
  test('only what must not be', () => expect(yamlOf(form({ conditions: [is('outcome', 'success', 'is-not')] }))).toContain('  condition: not without_1\n'))
  test('there, not there, and numbers', () => {
    const text = yamlOf(form({ conditions: [is('a', '', 'there'), is('b', '', 'not-there'), is('c', '5', 'at-least')] }))
    expect(text).toContain('    a|exists: true\n    b|exists: false\n    c|gte: 5\n')
  })
  test('a count is a rule of its own over the first', () => {
    expect(yamlOf(form({ conditions: [is('outcome', 'failure')], count: '10', within: '15m', groupBy: 'initiator.name, target.id' }))).toBe(`title: 'A key was deleted: each one'
id: own-a-key-was-deleted-each
level: informational
logsource: {category: activity}
detection:
  selection:
    outcome: failure
  condition: selection
---
title: A key was deleted
id: own-a-key-was-deleted
level: medium
correlation:
  type: event_count
  rules: [own-a-key-was-deleted-each]
  group-by: [initiator.name, target.id]
  timespan: 15m
  condition:
    gte: 10
`)
  })
})

test('what YAML would read otherwise is quoted', () => {
  expect(['bob', 'true', 'No', '12', "it's", 'a: b', '*', 'a #b', '', '-', 'x\ty', 'kms/secrets', 'alice@example.com'].map(scalar)).toEqual([
    'bob', "'true'", "'No'", "'12'", "'it''s'", "'a: b'", "'*'", "'a #b'", "''", "'-'", '"x\\ty"', 'kms/secrets', 'alice@example.com',
  ])
})

test('values are split at commas, not inside quotes', () => expect(items(' a, "b, c" ,d,, ')).toEqual(['a', 'b, c', 'd']))

test('an id is made of the title', () => {
  expect(idOf('Schlüssel gelöscht!')).toBe('own-schlussel-geloscht')
  expect(idOf('鍵')).toBe('own-rule')
})

test('what is missing is said', () => {
  expect(formProblem(form({ title: ' ' }))).toBe('Give the rule a title.')
  expect(formProblem(form({}))).toBe('Say what action is compared with.')
  expect(formProblem(form({ conditions: [is('a b', 'x')] }))).toBe('“a b” is no name of a field.')
  expect(formProblem(form({ conditions: [is('a', 'x', 'at-least')] }))).toBe('a is compared with a number.')
  expect(formProblem(form({ conditions: [is('a', 'x')], count: '1.5' }))).toBe('How many: a whole number from 1.')
  expect(formProblem(form({ conditions: [is('a', 'x')], count: '3', within: 'soon' }))).toBe('Within: a time such as 10m, 2h or 7d.')
  expect(formProblem(form({ conditions: [is('a', 'x')], count: '3' }))).toBeUndefined()
})

test('an exception says conditions by field and modifier', () => {
  expect(eventsOf([is('initiator.name', 'a, b'), is('initiator.name', 'c'), is('x', 'y', 'starts')])).toEqual({ 'initiator.name': ['a', 'b', 'c'], 'x|startswith': ['y'] })
  expect(namedCondition('x|startswith')).toEqual({ field: 'x', how: 'begins with' })
  expect(namedCondition('x|re|i')).toEqual({ field: 'x', how: 're, i' })
})
