import { describe, expect, test } from 'vitest'
import type { AuditEvent } from '../api/shapes'
import { tailStart } from '../ui/Middle'
import { rawRows, REFUSED, resultOf, shorten, valueAt, withResult } from './event'

const raw = { eventTime: '2026-11-20T10:00:00Z', userIdentity: { userName: 'bob' }, resources: [{ ARN: 'a' }, { ARN: 'b' }], annotations: { 'k8s.io/decision': 'allow' }, requestData: '{"keyId":"k17"}', action: 'raw-action' }
const event = {
  id: 'e1', eventTime: '2026-11-20T10:00:00.000Z', action: 'DeleteKey', outcome: 'failure', reason: { reasonCode: 403 }, raw: JSON.stringify(raw), cadf: { action: 'delete' },
  record: { id: 'activity:1', offset: 1, source: 'cloudtrail', service: 'kms' },
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
  test('a failure for want of a right is denied', () => {
    expect(resultOf(event)).toBe('denied')
    expect(resultOf({ outcome: 'failure', reason: { reasonType: 'accessdenied' } })).toBe('denied')
    expect(resultOf({ outcome: 'failure', reason: { reasonCode: '404' } })).toBe('failure')
    expect(resultOf({ outcome: 'odd' })).toBe('unknown')
  })
  test('the legend narrows to one result, and changes its mind', () => {
    const denied = withResult('bob', 'denied')
    expect(denied).toBe(`bob outcome:==failure ${REFUSED}`)
    expect(withResult(denied, 'failure')).toBe(`bob outcome:==failure -${REFUSED}`)
    expect(withResult(denied, 'success')).toBe('bob outcome:==success')
  })
})

test('long ids lose their middle', () => expect(shorten('abcdefghijklmnopqrstuvwxyz', 11)).toBe('abcdef…wxyz'))
test('signs of two places are not cut in half', () => expect(shorten('ab😀😀😀😀😀😀cd', 6)).toBe('ab…cd'))
test.each([['cloud-object-storage.object.read', '.object.read'], ['system:serviceaccount:platform:node-monitor-eu', '-monitor-eu'], ['0123456789abcdef0123456789abcdef', '89abcdef'], ['short', '']])('the end of %s that stays is %s', (text, tail) => expect(text.slice(tailStart(text))).toBe(tail))
// Node learnt to tell a number's text later than the browsers did.
const tellsSource = JSON.parse('1', (_key, _value, context?: unknown) => context !== undefined) === true
test.runIf(tellsSource)('a number too large for the browser keeps its digits', () => expect(valueAt({ ...event, raw: '{"big":12345678901234567890}' }, 'big')).toBe('12345678901234567890'))
