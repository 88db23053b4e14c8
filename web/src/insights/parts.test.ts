import { expect, test } from 'vitest'
import { attributionsOf, evidenceOf, statisticsOf, testOf } from './parts'
import { bandSummary, pathsOf } from './series'

test('what is missing or of another shape is read as nothing', () => {
  expect(testOf({ test: {} })).toMatchObject({ method: 'fact', score: 0, terms: [], of: undefined, isChance: false })
  expect(statisticsOf({ statistics: { insight: 'x', insightCount: Number.NaN } })).toMatchObject({ average: 0, count: 0, baselineAverage: undefined })
  expect(attributionsOf({ attributions: [{ attribute: 'principalId', insight: [] }, null] })).toEqual([])
  expect(evidenceOf({ evidence: {}, start: 'a', until: 'b', count: 3 })).toEqual({ stream: 'activity', query: '', from: 'a', to: 'b', count: 3, records: [], missing: undefined })
})

test('the usual share of a contributor is what its share changed from; who is absent is told when the list is whole', () => {
  const attributions = [{ attribute: 'principalId', insight: [{ value: 'bob', count: 9, share: 0.9, shareChange: 0.8 }, { value: 'carol', count: 1, share: 0.1, shareChange: -0.2 }], baseline: [{ value: 'dave', count: 5, average: 1, share: 0.6 }, { value: 'carol', share: 0.3 }] }]
  const [who] = attributionsOf({ attributions: attributions })
  expect(who?.contributors.map((one) => [one.value, Math.round(one.usualShare * 10) / 10])).toEqual([['bob', 0.1], ['carol', 0.3]])
  expect(who?.absent.map((one) => one.value)).toEqual(['dave'])
  const [cut] = attributionsOf({ attributions: [{ ...attributions[0], insight: [{ value: 'bob', share: 0.5, count: 5 }] }] })
  expect(cut?.absent).toEqual([])
})

test('a chart is told in a sentence', () => {
  const at = (minute: number): string => new Date(minute * 60_000).toISOString()
  const points = [{ at: at(0), count: 3, expected: 3, upper: 6 }, { at: at(5), count: 300, expected: 3, upper: 6.2 }, { at: at(10), count: 2, expected: 3, upper: 6 }]
  const said = bandSummary({ period: 300, points, query: '', episodes: [] }, { start: at(5), end: at(10) }, 'calls', (iso) => iso.slice(11, 16))
  expect(said).toBe('calls in 5 minutes, from 00:00 to 00:10. In the insight, 1 of 1 count is above what is usual. The most is 300, at 00:05: 3 expected, 6.2 usual at most.')
  expect(pathsOf(points, 10, (value) => 100 - value / 3).band).toBe('M5.0 100.0L5.0 98.0L15.0 97.9L25.0 98.0L25.0 100.0Z')
})
