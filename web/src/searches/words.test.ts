import { expect, test } from 'vitest'
import { andWords, endWords, newsIn, quietWords, searchOfRule, triggerWords, wholeQuery } from './words'

test('a condition says how many, within how long and when it is told', () => {
  expect(triggerWords({ operator: 'presence', trigger_limit: 5, trigger_interval: '5m', immediate: true })).toBe('5 or more within 5 minutes, told at once')
  expect(triggerWords({ operator: 'presence', trigger_limit: 1200, trigger_interval: '24h', terminal: true })).toBe('1,200 or more within 24 hours, told at the end')
  expect(triggerWords({ operator: 'presence', immediate: true, terminal: true })).toBe('1 or more within 30 seconds, told at once and at the end')
  expect(triggerWords({ operator: 'absence', terminal: true })).toBe('fewer than 1 within 15 minutes, told at the end')
  expect([endWords('1h'), endWords('5m')]).toEqual(['the hour', 'the 5 minutes'])
})

test('quiet times say days, hours and whose clock', () => {
  expect(quietWords({ enabled: true, days: ['sun', 'sat'], timezone: 'Europe/Berlin' })).toBe('quiet on Sat and Sun, all day (Europe/Berlin)')
  expect(quietWords({ enabled: true, days: ['mon', 'tue', 'wed', 'thu', 'fri'], times: { enabled: true, periods: [['22:00', '06:00']] }, timezone: 'UTC' })).toBe('quiet Mon to Fri, 22:00–06:00 (UTC)')
  expect(quietWords({ enabled: true, days: [], times: { enabled: true, periods: [['12:00', '13:00'], ['18:00', '19:00']] } })).toBe('quiet every day, 12:00–13:00 and 18:00–19:00 (UTC)')
  expect(quietWords({ enabled: true, days: ['mon', 'wed', 'fri'], timezone: 'UTC' })).toBe('quiet on Mon, Wed and Fri, all day (UTC)')
  expect([quietWords({ enabled: false, days: ['mon'] }), quietWords(undefined)]).toEqual([undefined, undefined])
})

test('space and region are words of the search in Activity, also of one with an OR', () => {
  expect(wholeQuery({ q: 'bob' })).toBe('bob')
  expect(wholeQuery({ q: 'bob', space: 'prod' })).toBe('bob record.space:==prod')
  expect(wholeQuery({ q: 'bob OR alice', region: 'eu-de' })).toBe('(bob OR alice) record.region:==eu-de')
  expect(wholeQuery({ region: 'eu-de' })).toBe('record.region:==eu-de')
})

test('news of the last day: enough in a window, or too little in a whole one where anything matched at all', () => {
  expect(newsIn([0, 5, 2, 9], { operator: 'presence', limit: 5 })).toBe(2)
  expect(newsIn([0, 0, 3, 0, 0], { operator: 'absence', limit: 1 })).toBe(2)
  expect(newsIn([0, 0, 0, 0], { operator: 'absence', limit: 1 })).toBe(0)
})

test('names are joined as people do, and rule ids tell what came of a search', () => {
  expect([andWords([]), andWords(['a']), andWords(['a', 'b', 'c'])]).toEqual(['', 'a', 'a, b and c'])
  expect([searchOfRule('search:42'), searchOfRule('brute-force')]).toEqual(['42', undefined])
})
