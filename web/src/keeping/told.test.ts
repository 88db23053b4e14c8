import { describe, expect, test } from 'vitest'
import type { AuditEvent } from '../api/shapes'
import { keptText, toldOf } from './told'

function said(action: string, requestData: unknown, more: { result?: string; responseData?: unknown } = {}) {
  return toldOf({ action: `whodid.${action}`, initiator: { name: 'ada' }, requestData, responseData: more.responseData, record: { result: more.result ?? 'success' } } as unknown as AuditEvent)
}

describe('a removal', () => {
  const asked = { from: '2026-11-13', to: '2026-11-14', space: 'dev' }
  test('says which days, whose and how many', () => expect(said('event.delete', asked, { responseData: { rows: 6, bytes: 19_940 } })?.sentence).toBe('ada removed 6 events of 13 – 14 Nov 2026 in space dev; 19.5 KiB freed'))
  test('is told when it begins', () => expect(said('event.delete', asked, { result: 'pending' })?.sentence).toBe('ada began to remove events of 13 – 14 Nov 2026 in space dev'))
  test('is told when it fails, with an hour', () => expect(said('event.delete', { from: '2026-11-13', to: '2026-11-13', hour: 7, account_level: true }, { result: 'failure' })?.sentence).toBe('ada tried to remove events of 13 Nov 2026, 07:00–08:00 of the account itself'))
  test('that was refused says what was asked for', () => expect(said('event.delete', { asked: { from: '2026-11-13', to: '2026-11-13' } }, { result: 'denied' })?.sentence).toBe('ada tried to remove events of 13 Nov 2026'))
  test('that asked for no days says so little', () => expect(said('event.delete', null, { result: 'denied' })?.sentence).toBe('ada tried to remove events'))
})

test('how long events are kept is told from old to new', () =>
  expect(said('retention.update', { days: 30, space: 'dev', delta: [{ op: 'test', path: '/days', value: -1 }, { op: 'replace', path: '/days', value: 30 }] })).toEqual({ sentence: 'ada set how long events of space dev are to be kept', changes: [{ path: 'kept for', change: 'changed', before: 'for ever', after: '30 days' }] }))

test('a download is told by its days', () => {
  const delta = [{ op: 'add', path: '/from_day', value: '2026-11-13' }, { op: 'add', path: '/search_hour', value: null }, { op: 'add', path: '/to_day', value: '2026-11-27' }]
  expect(said('download-session.create', { delta })?.sentence).toBe('ada made a download of 13 – 27 Nov 2026')
  expect(said('event.export', { from: '2026-11-13', to: '2026-11-27', view: 'download' }, { responseData: { rows: 1 } })?.sentence).toBe('ada downloaded 1 event of 13 – 27 Nov 2026')
})

test('other deeds speak for themselves', () => expect(said('account.update', {})).toBeUndefined())

test('a time to be kept reads as words', () => expect([-1, 1, 36_500].map(keptText)).toEqual(['for ever', 'one day', '36,500 days']))
