import { describe, expect, test } from 'vitest'
import { durationMs, fromInput, lengthText, pointMs, rangeLabel, rangeProblem, relative, toInput } from './time'

describe('ranges', () => {
  test('a preset has its name', () => expect(rangeLabel('now-7d', undefined, 'utc')).toBe('Last 7 days'))
  test('another relative start is said in words', () => expect(rangeLabel('36h', undefined, 'utc')).toBe('Last 36 hours'))
  test('words stand as they are, and are never taken for a date', () => {
    expect(rangeLabel('last friday 17:30', undefined, 'utc')).toBe('last friday 17:30')
    expect(pointMs('May 20 7:00pm')).toBeUndefined()
    expect(pointMs('2026-05-20T10:00:00Z')).toBe(Date.UTC(2026, 4, 20, 10))
  })
  test('the day is said once where both ends share it', () => {
    const year = new Date().getUTCFullYear()
    expect(rangeLabel(`${year}-05-20T10:00:00Z`, `${year}-05-20T11:30:00Z`, 'utc')).toBe('20 May 10:00 – 11:30')
  })
  test('the same day of another year is another day', () => {
    expect(rangeLabel('2019-05-20T10:00:00Z', '2020-05-20T11:30:00Z', 'utc')).toBe('20 May 2019 10:00 – 20 May 2020 11:30')
    expect(rangeLabel('2019-09-20T10:00:00Z', '2019-09-20T11:30:00Z', 'utc')).toBe('20 Sept 2019 10:00 – 11:30')
  })
  test('an end before the start is a problem', () => {
    expect(rangeProblem({ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' })).toBeDefined()
    expect(rangeProblem({ from: 'now-24h' })).toBeUndefined()
  })
  test('input values come back as they went', () => expect(fromInput(toInput('2026-05-20T10:00:05Z', 'utc'), 'utc')).toBe('2026-05-20T10:00:05.000Z'))
})

describe('lengths', () => {
  test.each([['PT5M', 300_000], ['P1D', 86_400_000], ['PT1H30M', 5_400_000], ['PT15S', 15_000]])('%s', (text, ms) => expect(durationMs(text)).toBe(ms))
  test.each([[90_000, '2 min'], [5_400_000, '1 h 30 min'], [7_190_000, '2 h'], [3_599_000, '1 h'], [3 * 86_400_000, '3 d']])('%d ms is %s', (ms, text) => expect(lengthText(ms)).toBe(text))
  test('distance from now', () => expect(relative('2026-01-01T00:00:00Z', Date.parse('2026-01-01T03:20:00Z'))).toBe('3 hours ago'))
})
