/** The parts of an insight of which the contract says only that they are objects, read so that nothing later can be wrong. Pure. */
import type { Insight } from '../api/shapes'

export interface Test {
  method: string
  windowMinutes: number
  count: number
  /** Of how many calls, where errors are counted. */
  of: number | undefined
  expected: number
  upper: number
  /** `-log10` of the p-value, or the sum of the terms. */
  score: number
  threshold: number
  /** Whether the score is that of a p-value. */
  isChance: boolean
  terms: Term[]
}

export interface Term {
  name: string
  value: number
}

export interface Statistics {
  count: number
  expectedCount: number
  /** A minute. */
  average: number
  expectedAverage: number
  /** Not there where it could not be looked up. */
  baselineAverage: number | undefined
  baselineMinutes: number
  peak: number
  peakExpected: number
}

export interface Contributor {
  value: string
  count: number
  /** Of the whole, 0 to 1. */
  share: number
  usualShare: number
}

export interface Attribution {
  attribute: string
  contributors: Contributor[]
  /** What is usual and had no part in it. */
  absent: Contributor[]
}

export interface Evidence {
  stream: string
  query: string
  from: string
  to: string
  count: number
  records: string[]
  /** Why it is not known who and what the insight is made of. */
  missing: string | undefined
}

type Members = Record<string, unknown>

const members = (value: unknown): Members => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
const text = (value: unknown, otherwise = ''): string => (typeof value === 'string' ? value : otherwise)

export function testOf(insight: { test: unknown }): Test {
  const test = members(insight.test)
  return {
    method: text(test.method, 'fact'),
    windowMinutes: number(test.windowMinutes),
    count: number(test.count),
    of: typeof test.of === 'number' ? test.of : undefined,
    expected: number(test.expected),
    upper: number(test.upper),
    score: number(test.score),
    threshold: number(test.threshold),
    isChance: test.pValue !== undefined || test.method === 'negative-binomial' || test.method === 'beta-binomial',
    terms: list(test.terms).map((term) => ({ name: text(members(term).name), value: number(members(term).value) })),
  }
}

export function statisticsOf(insight: { statistics: unknown }): Statistics {
  const all = members(insight.statistics)
  const baseline = members(all.baseline).average
  return {
    count: number(all.insightCount),
    expectedCount: number(all.expectedCount),
    average: number(members(all.insight).average),
    expectedAverage: number(members(all.expected).average),
    baselineAverage: typeof baseline === 'number' ? baseline : undefined,
    baselineMinutes: number(all.baselineDuration),
    peak: number(all.peak),
    peakExpected: number(all.peakExpected),
  }
}

const ABSENT_MAX = 2

export function attributionsOf(insight: { attributions: unknown }): Attribution[] {
  return list(insight.attributions).flatMap((one) => {
    const { attribute, insight: now, baseline } = members(one)
    const usual = new Map(list(baseline).map((entry) => [text(members(entry).value), number(members(entry).share)]))
    const contributors = list(now).map((entry) => {
      const { value, count, share, shareChange } = members(entry)
      return { value: text(value), count: number(count), share: number(share), usualShare: Math.max(0, typeof shareChange === 'number' ? number(share) - shareChange : (usual.get(text(value)) ?? 0)) }
    })
    if (contributors.length === 0) return []
    const known = new Set(contributors.map(({ value }) => value))
    // A list that is cut off does not tell who is absent.
    const isWhole = contributors.reduce((sum, { share }) => sum + share, 0) > 0.995
    const absent = isWhole ? [...usual].filter(([value]) => !known.has(value)).slice(0, ABSENT_MAX).map(([value, share]) => ({ value, count: 0, share: 0, usualShare: share })) : []
    return [{ attribute: text(attribute), contributors, absent }]
  })
}

export function evidenceOf(insight: { evidence: unknown } & Pick<Insight, 'start' | 'until' | 'count'>): Evidence {
  const evidence = members(insight.evidence)
  return {
    stream: text(evidence.stream, 'activity'),
    query: text(evidence.query),
    from: text(evidence.from, insight.start),
    to: text(evidence.to, insight.until),
    count: typeof evidence.count === 'number' ? evidence.count : insight.count,
    records: list(evidence.records).filter((record) => typeof record === 'string'),
    missing: typeof evidence.attributionsMissing === 'string' ? evidence.attributionsMissing : undefined,
  }
}
