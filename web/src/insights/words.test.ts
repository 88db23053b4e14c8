import { describe, expect, test } from 'vitest'
import type { Insight, InsightStatus } from '../api/shapes'
import { testOf } from './parts'
import { chanceWords, contributorQuery, deviation, isExpected, lasted, learningOf, likeThisQuery, percent, rough, shareChange, signsOf, termWords, testSentences, windowWords } from './words'

const rate = (times_usual: number | null, insight_type: Insight['insight_type'] = 'ApiCallRateInsight') => deviation({ times_usual, insight_type })

describe('how far from usual', () => {
  test('is told in times, with two digits', () => expect([rate(14), rate(7.12), rate(0.95), rate(1234.5)]).toEqual(['14×', '7.1×', '1×', '1,235×']))
  test('is rare where next to nothing was expected', () => expect(rate(null)).toBe('rare'))
  test('is not told of what is not counted', () => expect(rate(null, 'IpInsight')).toBeUndefined())
  test('numbers keep two digits below one', () => expect([0, 0.04, 0.1666, 9.94, 9.96].map(rough)).toEqual(['0', '0.04', '0.17', '9.9', '10']))
})

describe('how long it lasted', () => {
  const start = '2026-11-20T10:00:00Z'
  const now = Date.parse('2026-11-20T12:30:00Z')
  test('runs to its end', () => expect(lasted({ start, end: '2026-11-20T10:42:00Z' }, now)).toBe('42 min'))
  test('runs to now while it goes on', () => expect(lasted({ start, end: null }, now)).toBe('2 h 30 min'))
  test('is a minute at least', () => expect(lasted({ start, end: start }, now)).toBe('1 min'))
})

describe('by chance', () => {
  test('a p-value of a window is turned into how often a year has it', () => {
    // 2016 windows a week: 1e-5 of 105,195 a year is about once a year.
    expect(chanceWords(5)).toBe('about once in 50 weeks')
    expect(chanceWords(8.21)).toBe('about once in 1,500 years')
  })
  test('what cannot be told apart is not told apart', () => expect(chanceWords(24.6)).toBe('less than once in a million years'))
  test('what is frequent is told in days', () => expect([chanceWords(3), chanceWords(2)]).toEqual(['about once in 3.5 days', 'about every day']))
  test('is said of counts, not of signs or facts', () => {
    const said = (method: string) => testSentences(testOf({ test: { method, windowMinutes: 10, count: 420, expected: 30, upper: 46, score: 9, threshold: 8, of: 1000 } }), 'calls').join(' ')
    expect(said('negative-binomial')).toContain('by chance')
    expect(said('beta-binomial')).toContain('420 of 1,000 calls in 10 minutes had failed')
    expect(said('likelihood-ratio')).not.toContain('by chance')
    expect(said('first-day')).not.toContain('by chance')
    expect(said('fact')).not.toContain('by chance')
  })
  test('windows are told in the largest unit that fits', () => expect([1, 10, 60, 90, 180, 1440, 2880].map(windowWords)).toEqual(['1 minute', '10 minutes', '1 hour', '90 minutes', '3 hours', '24 hours', '2 days']))
})

describe('a sign', () => {
  const told = (...terms: [string, number][]) => signsOf(terms.map(([name, value]) => ({ name, value }))).map(termWords)
  test('that speaks against it is worded so', () => expect(told(['agent', -0.4], ['network', 2], ['country', -0.3], ['account', -1], ['hour', 0.5])).toEqual(['a network never used before', 'at an odd hour', 'a usual country', 'a usual program', 'others of the account come from there']))
  test('that says nothing is left out', () => expect(told(['hour', 0], ['agent', -0.04], ['calls', 0.7], ['elsewhere', 1.2])).toEqual(['is active elsewhere at the same time', 'does more than in a usual visit']))
  test('that is not known is told as it is called', () => expect(told(['moon', 1], ['tide', -1])).toEqual(['moon', 'tide']))
})

test('a fact is told as one, and a silence as what is missing', () => {
  const said = (windowMinutes: number) => testSentences(testOf({ test: { method: 'fact', windowMinutes, expected: 240 } }), 'events').join(' ')
  expect(said(0)).toContain('the record itself says so')
  expect(said(180)).toContain('Nothing came in 3 hours, or next to nothing.')
  expect(said(180)).toContain('240 events a week ago')
})

test('an action that is new is held against other new ones, by counts', () => {
  const said = testSentences(testOf({ test: { method: 'first-day', windowMinutes: 5, count: 18, expected: 0, upper: 15.6, score: 18, threshold: 15.6 } }), 'calls').join(' ')
  expect(said).toContain('18 calls in 5 minutes. From 16 in 5 minutes on it is told')
})

describe('what it is made of', () => {
  test('a share is told against what is usual', () => expect([shareChange({ share: 0.86, usualShare: 0.07 }), shareChange({ share: 0.1, usualShare: 0.5 }), shareChange({ share: 0.5, usualShare: 0.502 })]).toEqual(['+79 points', '−40 points', undefined]))
  test('little is not nothing', () => expect([0, 0.004, 0.5, 1].map(percent)).toEqual(['0 %', '< 1 %', '50 %', '100 %']))
  test('leads to its events', () => expect(contributorQuery('action:===a', 'principalId', 'bob b')).toBe('action:===a initiator.name:=="bob b"'))
  test('no error is the absence of a code', () => expect(contributorQuery('action:===a', 'errorCode', 'null')).toBe('action:===a -reason.reasonType:*'))
  test('what has no field leads nowhere', () => expect(contributorQuery('', 'moon', 'full')).toBeUndefined())
})

test('learning is told in whole hours until it is over', () => {
  const status = { is_ready: false, learned_hours: 17.9 } as InsightStatus
  expect(learningOf(status)).toEqual({ text: '17 h of 24 h', part: 17.9 / 24 })
  expect(learningOf({ ...status, is_ready: true })).toBeUndefined()
})

test('one that a pattern covers is expected, and so is one of which somebody said so', () => {
  const said = (verdict: Insight['verdict'], expected_by: string | null) => isExpected({ verdict, expected_by })
  expect([said('expected', null), said(null, 'exp_1'), said('useful', null)]).toEqual([true, true, false])
  // What somebody says of this one counts for more than the pattern.
  expect(said('useful', 'exp_1')).toBe(false)
})

test('an alert on insights like one looks for their starts, and not for those of the past or that are expected', () => {
  const insight = { insight_type: 'ApiCallRateInsight', event_source: 'kms', event_name: 'kms.secrets.delete', principal_id: null } as Insight
  expect(likeThisQuery(insight)).toBe('action:===whodid.insight.start requestData.isPast:===false requestData.isExpected:===false requestData.insightType:===ApiCallRateInsight requestData.eventSource:===kms requestData.eventName:===kms.secrets.delete')
})
