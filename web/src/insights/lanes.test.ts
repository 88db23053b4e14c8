import { describe, expect, test } from 'vitest'
import type { Insight } from '../api/shapes'
import { lanesOf, spanOf } from './lanes'

const HOUR = 3_600_000
const NOW = Date.parse('2026-11-20T12:00:00Z')
const iso = (hours: number): string => new Date(NOW - hours * HOUR).toISOString()
const insight = (id: string, started: number, ended: number | null, insight_type: Insight['insight_type'] = 'IpInsight') => ({ id, insight_type, state: ended === null ? 'open' : 'ended', start: iso(started), end: ended === null ? null : iso(ended), until: iso(ended ?? 0) }) as Insight
const day = { from: NOW - 24 * HOUR, to: NOW }
const places = (all: Insight[]) => lanesOf(['ApiCallRateInsight', 'IpInsight'], all, day, NOW, 0.01).map((lane) => `${lane.kind}: ${lane.rows.map((row) => row.map((bar) => `${bar.insight.id}@${bar.x.toFixed(2)}+${bar.width.toFixed(2)}${bar.goesOn ? '…' : ''}`).join(' ')).join(' / ')}`)

describe('lanes', () => {
  test('there is one for each kind that has any', () => expect(places([insight('a', 12, 6)])).toEqual(['IpInsight: a@0.50+0.25']))
  test('what goes on reaches to now', () => expect(places([insight('a', 6, null)])).toEqual(['IpInsight: a@0.75+0.25…']))
  test('what overlaps stands below', () => expect(places([insight('a', 12, 6), insight('b', 9, 3), insight('c', 4, 3)])).toEqual(['IpInsight: a@0.50+0.25 c@0.83+0.04 / b@0.63+0.25']))
  test('the shortest can still be seen, within the range', () => expect(places([insight('a', 0.01, 0, 'ApiCallRateInsight')])).toEqual(['ApiCallRateInsight: a@0.99+0.01']))
})

describe('the range', () => {
  test('is counted from now', () => expect(spanOf('now-24h', undefined, [], NOW)).toEqual(day))
  test('is what the address says', () => expect(spanOf(iso(5), iso(2), [], NOW)).toEqual({ from: NOW - 5 * HOUR, to: NOW - 2 * HOUR }))
  test('of all time begins a little before the first', () => {
    const span = spanOf('all', undefined, [{ start: iso(100) }], NOW)
    expect([span.to, Math.round((NOW - span.from) / HOUR)]).toEqual([NOW, 103])
  })
})
