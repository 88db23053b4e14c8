import { describe, expect, test } from 'vitest'
import { activityOf, daysText, dayText, hourText, searchOfSpan, sentSpan, spanOf, spanProblem, type Span } from './span'

const now = Date.parse('2026-11-27T10:00:00Z')
const whole: Span = { from: '2026-11-13', to: '2026-11-27', hour: '', of: 'all', space: '' }

describe('days out of an address', () => {
  test('are the last two weeks and today when it says nothing', () => expect(spanOf({}, now)).toEqual(whole))
  test('are what it says', () => expect(spanOf({ from: '2026-02-28', to: '2026-03-01', hour: '7', of: 'space', space: 'dev' }, now)).toEqual({ from: '2026-02-28', to: '2026-03-01', hour: '7', of: 'space', space: 'dev' }))
  test('are not taken where they are none', () => expect(spanOf({ from: '2026-02-30', to: 'yesterday', hour: '24', of: 'space' }, now)).toEqual(whole))
  test('come back the same', () => {
    const span: Span = { from: '2026-02-28', to: '2026-03-01', hour: '23', of: 'account', space: '' }
    expect(spanOf(searchOfSpan(span), now)).toEqual(span)
  })
})

describe('what is wrong with days', () => {
  test('nothing', () => expect(spanProblem(whole)).toBeUndefined())
  test('they run backwards', () => expect(spanProblem({ ...whole, from: '2026-11-28' })).toMatch(/before the first/))
  test('one is missing', () => expect(spanProblem({ ...whole, to: '' })).toMatch(/Choose/))
  test('they are too many', () => expect(spanProblem({ ...whole, from: '2010-01-01' })).toMatch(/ten years/))
  test('the space has no name, or one that no space can have', () => {
    expect(spanProblem({ ...whole, of: 'space' })).toBe('Name the space.')
    expect(spanProblem({ ...whole, of: 'space', space: 'Dev Team' })).toMatch(/small letters/)
  })
})

test('whose events is said in one way', () => {
  expect(sentSpan(whole)).toEqual({ from: '2026-11-13', to: '2026-11-27' })
  expect(sentSpan({ ...whole, of: 'account', hour: '0' })).toEqual({ from: '2026-11-13', to: '2026-11-27', hour: 0, account_level: true })
  expect(sentSpan({ ...whole, of: 'space', space: 'dev' })).toEqual({ from: '2026-11-13', to: '2026-11-27', space: 'dev' })
})

test('days read as people write them', () => {
  expect(dayText('2026-11-27')).toBe('Fri 27 Nov 2026')
  expect(daysText('2026-11-27', '2026-11-27')).toBe('27 Nov 2026')
  expect(daysText('2026-11-13', '2026-11-27')).toBe('13 – 27 Nov 2026')
  expect(hourText(23)).toBe('23:00–00:00')
})

test('a day leads to its events', () => {
  expect(activityOf(whole, '2026-11-27')).toEqual({ from: '2026-11-27T00:00:00.000Z', to: '2026-11-28T00:00:00.000Z' })
  expect(activityOf({ ...whole, hour: '14', of: 'space', space: 'dev' }, '2026-11-27')).toEqual({ from: '2026-11-27T14:00:00.000Z', to: '2026-11-27T15:00:00.000Z', q: 'record.space:==dev' })
})
