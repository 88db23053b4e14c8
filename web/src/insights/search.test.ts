import { describe, expect, test } from 'vitest'
import { isNarrow, parseInsightSearch, queryOf, withoutCards } from './search'

describe('the address', () => {
  test('keeps what is understood and drops the rest', () => {
    expect(parseInsightSearch({ insight_type: 'IpInsight', state: 'open', region: 'eu-de', principal_id: 'bob', expected: 'true', period: '60', form: 'cloudtrail', from: 'now-7d', x: '1' })).toEqual({ insight_type: 'IpInsight', state: 'open', region: 'eu-de', principal_id: 'bob', expected: '1', period: '60', form: 'cloudtrail', from: 'now-7d' })
    expect(parseInsightSearch({ insight_type: 'Moon', state: 'asleep', region: '', expected: '0', period: '7', form: 'x' })).toEqual({})
  })
  test('asks for thirty days unless it says otherwise', () => expect(queryOf({})).toEqual({ from: '30d' }))
  test('is asked as the API names it', () => expect(queryOf({ insight_type: 'AkInsight', state: 'ended', event_name: 'a', source_ip_address: '192.0.2.1', expected: '1', from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', period: '60', form: 'whodid' })).toEqual({ from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', insight_type: 'AkInsight', state: 'ended', event_name: 'a', source_ip_address: '192.0.2.1', expected: true }))
  test('all of time begins somewhere', () => expect(queryOf({ from: 'all' })).toEqual({ from: '1970-01-01T00:00:00Z' }))
  test('words are left to the server', () => expect(queryOf({ from: 'yesterday' })).toEqual({ from: 'yesterday' }))
})

test('cards count what is left without what they choose', () => expect(withoutCards({ insight_type: 'IpInsight', state: 'open', region: 'eu-de' })).toEqual({ region: 'eu-de' }))
test('a time range alone is no limit', () => expect([isNarrow({ from: 'now-1h', expected: '1' }), isNarrow({ principal_id: 'bob' })]).toEqual([false, true]))
