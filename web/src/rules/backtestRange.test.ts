import { expect, test } from 'vitest'
import { barsOf, lookedAt, noiseText, perDay, rangeOf, rangeWrong } from './backtestRange'

const custom = (from: string, to: string) => ({ preset: 'custom' as const, from, to })

test('a preset ends at this moment', () => {
  expect(rangeOf({ preset: '7d', from: '', to: '' }, Date.parse('2026-11-28T10:00:00Z'))).toEqual({ from: '2026-11-21T10:00:00.000Z', to: '2026-11-28T10:00:00.000Z' })
})
test('a range of one’s own has two ends in order', () => {
  expect(rangeWrong(custom('', '2026-11-28T00:00:00Z'))).toMatch('Choose')
  expect(rangeWrong(custom('2026-11-28T00:00:00Z', '2026-11-27T00:00:00Z'))).toMatch('after')
  expect(rangeWrong(custom('2026-11-27T00:00:00Z', '2026-11-28T00:00:00Z'))).toBeUndefined()
})
test('days without a hit have a bar, and a last day that only begins too', () => {
  expect(barsOf([{ day: '2026-11-02', matches: 3, findings: 1 }], { from: '2026-11-01T12:00:00Z', to: '2026-11-03T00:00:00.001Z' })).toEqual([
    { from: '2026-11-01', to: '2026-11-01', matches: 0, findings: 0 },
    { from: '2026-11-02', to: '2026-11-02', matches: 3, findings: 1 },
    { from: '2026-11-03', to: '2026-11-03', matches: 0, findings: 0 },
  ])
  expect(barsOf([], { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' })).toHaveLength(1)
})
test('of a long range several days share a bar', () => {
  const bars = barsOf([{ day: '2026-01-08', matches: 2, findings: 2 }, { day: '2026-01-14', matches: 1, findings: 0 }], { from: '2026-01-01T00:00:00Z', to: '2026-12-31T00:00:00Z' })
  expect(bars).toHaveLength(52)
  expect(bars[1]).toEqual({ from: '2026-01-08', to: '2026-01-14', matches: 3, findings: 2 })
})
test('noise is of the days that were looked at', () => {
  const range = { from: '2026-11-01T00:00:00Z', to: '2026-11-11T00:00:00Z' }
  expect(perDay(20, range)).toBe(2)
  expect(perDay(20, lookedAt(range, { stopped_at: '2026-11-05T00:00:00Z' }))).toBe(5)
  expect(perDay(3, { from: '2026-11-01T00:00:00Z', to: '2026-11-01T02:00:00Z' })).toBe(3)
})
test('noise is said as people count it', () => {
  expect([0, 0.2, 0.6, 0.97, 2.44, 31.7].map(noiseText)).toEqual(['none', '1 in 5 days', '1 in 2 days', '1 a day', '2.4 a day', '32 a day'])
})
