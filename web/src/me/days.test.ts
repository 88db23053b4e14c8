import { expect, test } from 'vitest'
import type { AuditEvent } from '../api/shapes'
import { byDay, dayLabel } from './days'

const now = Date.parse('2026-11-27T10:00:00Z')
const event = (eventTime: string) => ({ eventTime }) as AuditEvent

test('events stand under their days', () => {
  const days = byDay([event('2026-11-27T08:00:00Z'), event('2026-11-27T00:00:01Z'), event('2026-11-26T23:59:59Z')], 'utc', now)
  expect(days.map((day) => [day.label, day.events.length])).toEqual([['Today, Friday 27 November', 2], ['Yesterday, Thursday 26 November', 1]])
})
test('another year is named', () => expect(dayLabel(Date.parse('2025-03-01T12:00:00Z'), 'utc', now)).toBe('Saturday 1 March 2025'))
