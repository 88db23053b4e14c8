import { describe, expect, test } from 'vitest'
import type { AuditEvent } from '../api/shapes'
import { tailStart } from '../ui/Middle'
import { insightOf, rawRows, resultOf, sentenceOf, shorten, valueAt, withResult } from './event'

const raw = { eventTime: '2026-11-20T10:00:00Z', userIdentity: { userName: 'bob' }, resources: [{ ARN: 'a' }, { ARN: 'b' }], annotations: { 'k8s.io/decision': 'allow' }, requestData: '{"keyId":"k17"}', action: 'raw-action' }
const event = {
  id: 'e1', eventTime: '2026-11-20T10:00:00.000Z', action: 'DeleteKey', outcome: 'failure', reason: { reasonCode: 403 }, raw: JSON.stringify(raw), cadf: { action: 'delete' },
  record: { id: 'activity:1', offset: 1, source: 'cloudtrail', service: 'kms', result: 'denied' },
} as unknown as AuditEvent

describe('values of an event', () => {
  test.each([
    ['action', 'DeleteKey'], ['raw.action', 'raw-action'], ['service', 'kms'], ['cadf.action', 'delete'], ['reason.reasonCode', '403'],
    ['userIdentity.userName', 'bob'], ['resources.ARN', 'a'], ['annotations.k8s.io/decision', 'allow'], ['requestData.keyId', 'k17'],
  ])('%s is %s', (field, value) => expect(valueAt(event, field)).toBe(value))
  test('what is not there is undefined', () => expect(valueAt(event, 'no.such.path')).toBeUndefined())
  test('rows of the received text name what the model also names by raw.', () => expect(rawRows(event).map((row) => row.field)).toEqual(['raw.eventTime', 'userIdentity.userName', 'resources.ARN', 'resources.ARN', 'annotations.k8s.io/decision', 'requestData.keyId', 'raw.action']))
})

describe('results', () => {
  test('a result is one of those known', () => {
    expect(resultOf(event)).toBe('denied')
    expect(resultOf({ record: { result: 'odd' } })).toBe('unknown')
  })
  test('the legend narrows to one result, and changes its mind', () => {
    const denied = withResult('bob', 'denied')
    expect(denied).toBe('bob result:==denied')
    expect(withResult(denied, 'failure')).toBe('bob result:==failure')
    expect(withResult('bob outcome:==failure', 'success')).toBe('bob result:==success')
  })
})

test('an event of an insight leads to it, and says it in its own words', () => {
  const told = { record: { ...event.record, stream: 'insights' }, target: { id: 'i1', typeURI: 'whodid/insight' }, message: '14× normal' } as AuditEvent
  expect([insightOf(told), sentenceOf(told)]).toEqual(['i1', '14× normal'])
  expect(insightOf({ ...told, target: { id: 'default', typeURI: 'whodid/insight-settings' } })).toBeUndefined()
  expect(insightOf({ ...told, record: event.record })).toBeUndefined()
})

test('long ids lose their middle', () => expect(shorten('abcdefghijklmnopqrstuvwxyz', 11)).toBe('abcdef…wxyz'))
test('signs of two places are not cut in half', () => expect(shorten('ab😀😀😀😀😀😀cd', 6)).toBe('ab…cd'))
test.each([['cloud-object-storage.object.read', '.object.read'], ['system:serviceaccount:platform:node-monitor-eu', '-monitor-eu'], ['0123456789abcdef0123456789abcdef', '89abcdef'], ['short', '']])('the end of %s that stays is %s', (text, tail) => expect(text.slice(tailStart(text))).toBe(tail))
// Browsers tell a number's text, and Node from 21 on.
const tellsSource = JSON.parse('1', (_key, _value, context?: unknown) => context !== undefined) === true
test.runIf(tellsSource)('a number too large for the browser keeps its digits (skipped where Node does not tell them)', () => expect(valueAt({ ...event, raw: '{"big":12345678901234567890}' }, 'big')).toBe('12345678901234567890'))
