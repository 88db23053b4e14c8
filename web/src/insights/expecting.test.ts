import { describe, expect, test } from 'vitest'
import type { Insight } from '../api/shapes'
import { patternOf, patternProblem, rowsOf } from './expecting'
import type { PatternField } from './words'

const NOW = Date.parse('2026-11-20T12:00:00Z')
const insight = { insight_type: 'ApiCallRateInsight', region: 'eu-de', event_source: 'kms', event_name: 'kms.secrets.delete', error_code: null, source_ip_address: null, principal_id: 'bob' } as Insight

describe('a pattern', () => {
  test('is filled in from an insight; the action says enough of the service', () => {
    expect(rowsOf(insight).map((row) => `${row.isOn ? '+' : '-'}${row.field}=${row.value}`)).toEqual(['+insight_type=ApiCallRateInsight', '+region=eu-de', '-event_source=kms', '+event_name=kms.secrets.delete', '+principal_id=bob'])
  })
  test('has what is on, and ends after its days', () => expect(patternOf(rowsOf(insight), '30', NOW)).toEqual({ insight_type: 'ApiCallRateInsight', region: 'eu-de', event_name: 'kms.secrets.delete', principal_id: 'bob', expires_at: '2026-12-20T12:00:00.000Z' }))
  test('for good has no end', () => expect(patternOf([{ field: 'event_name', isOn: true, value: ' kms.* ' }], '', NOW)).toEqual({ event_name: 'kms.*' }))
  test('needs something in common, with a value', () => {
    expect(patternProblem(rowsOf(undefined))).toMatch(/at least one/)
    expect(patternProblem([{ field: 'region', isOn: true, value: ' ' }])).toBe('Region has no value.')
    expect(patternProblem(rowsOf(insight))).toBeUndefined()
  })
  test('is more than a kind, as the server asks', () => {
    const row = (field: PatternField, value: string) => ({ field, value, isOn: true })
    expect(patternProblem([row('insight_type', 'IpInsight')])).toMatch(/covers everything/)
    expect(patternProblem([row('insight_type', 'IpInsight'), row('event_name', '**')])).toMatch(/covers everything/)
    expect(patternProblem([row('region', 'eu-*')])).toBeUndefined()
  })
})
