import { describe, expect, test } from 'vitest'
import type { Alert, AuditEvent, Level } from '../api/shapes'
import { alertOf, findingOf, gravest } from './finding'

const event = (requestData: Record<string, unknown>, more: Record<string, unknown> = {}): AuditEvent =>
  ({ eventTime: '2026-11-28T04:49:49Z', action: 'whodid.finding.create', severity: 'critical', message: 'Key deleted: bob deleted k17', initiator: { id: 'IBMid-1', name: 'bob' }, target: { id: 'key-deleted', name: 'Key deleted' }, requestData, raw: '{}', record: { id: 'findings:1', stream: 'findings', summary: 'bob created rule Key deleted' }, ...more }) as unknown as AuditEvent
const BY_RULE = event({ ruleId: 'key-deleted', ruleTitle: 'Key deleted', level: 'high', key: 'IBMid-1' })
const alert = (id: string, rule: string, severity: Level, value: string, last = '2026-11-28T04:00:00Z'): Alert => ({ id, rule_id: rule, severity, group: [{ key: 'initiator.name', value }], last_at: last }) as unknown as Alert

describe('a finding', () => {
  test('says what happened, beside its rule’s title', () => expect(findingOf(BY_RULE)).toMatchObject({ id: 'findings:1', level: 'high', title: 'Key deleted', sentence: 'bob deleted k17', rule: 'key-deleted', isSilenced: false }))
  test('that others reported has no rule, and says who did', () =>
    expect(findingOf(event({ findingType: 'open-port', ruleTitle: 'Open port', level: 'critical', sentence: 'Open port: db-1', provider: 'acme' }))).toMatchObject({ level: 'critical', title: 'acme', sentence: 'Open port: db-1', rule: undefined }))
  test('without a level is as grave as its severity', () => expect(findingOf(event({})).level).toBe('high'))
  test('that an exception silenced says so', () => expect(findingOf(event({ ruleId: 'key-deleted', silencedBy: 'x-1' })).isSilenced).toBe(true))
})

describe('the alert of a finding', () => {
  const alerts = [alert('1', 'key-deleted', 'high', 'bob'), alert('2', 'key-deleted', 'high', 'alice'), alert('3', 'other', 'high', 'bob')]
  test('is the one of its rule and of what it is about', () => expect(alertOf(findingOf(BY_RULE), alerts)?.id).toBe('1'))
  test('is none where several could be meant, or it is silenced', () => {
    expect(alertOf(findingOf(BY_RULE), [...alerts, alert('4', 'key-deleted', 'low', 'bob')])).toBeUndefined()
    expect(alertOf(findingOf(event({ ruleId: 'key-deleted', silencedBy: 'x-1' })), alerts)).toBeUndefined()
  })
})

test('the gravest alerts come first, then the latest, each kind once', () => {
  const alerts = [alert('1', 'a', 'low', 'x'), alert('2', 'b', 'high', 'x', '2026-11-28T03:00:00Z'), alert('3', 'b', 'high', 'y', '2026-11-28T04:00:00Z'), alert('4', 'c', 'critical', 'x')]
  expect(gravest(alerts, 3).map(({ alert: one, more }) => [one.id, more])).toEqual([['4', 0], ['3', 1], ['1', 0]])
  expect(gravest(alerts, 1)).toHaveLength(1)
})
