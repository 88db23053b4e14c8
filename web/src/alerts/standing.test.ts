import { describe, expect, test } from 'vitest'
import type { Alert, AlertPage } from '../api/shapes'
import { fits, neighbour, standing } from './standing'

const alert = (id: string, minute: number, more: Partial<Alert> = {}): Alert => ({
  id, rule_id: 'r', rule_title: 'R', sentence: 'R: it', finding_type: 'r', severity: 'high', status: 'open', group: [], findings: 1, matches: 1, assignee: null, assignee_name: null, is_guard: false, silenced_until: null, escalated_at: null, revision: 1,
  opened_at: '2026-01-01T00:00:00Z', last_at: `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`, ...more,
})
const page = (alerts: Alert[], next: string | null = null): AlertPage => ({ alerts, counts: { open: 0, acknowledged: 0, resolved: 0 }, next_cursor: next })
const told = (lines: ReturnType<typeof standing>) => [lines.lines.map((line) => `${line.alert.id}${line.isGone ? '-' : ''}${line.alert.findings}`).join(' '), lines.fresh]

describe('the list as it stands', () => {
  const shown = [alert('b', 20), alert('a', 10)]
  test('before anything is known anew', () => expect(told(standing(shown, undefined, false))).toEqual(['b1 a1', 0]))
  test('a new one is announced and moves nothing', () => expect(told(standing(shown, page([alert('c', 30), ...shown]), false))).toEqual(['b1 a1', 1]))
  test('what happens again stays in its place, with its new count', () => expect(told(standing(shown, page([alert('a', 40, { findings: 2, revision: 2 }), alert('b', 20)]), false))).toEqual(['b1 a2', 0]))
  test('what somebody else moved on is marked', () => expect(told(standing(shown, page([alert('a', 10)]), false))).toEqual(['b-1 a1', 0]))
  test('what lies beyond the polled page is not gone, and what follows the shown ones not new', () => {
    expect(told(standing(shown, page([alert('c', 30), alert('b', 20)], 'next'), false))).toEqual(['b1 a1', 1])
    expect(told(standing(shown, page([...shown, alert('z', 5)]), true))).toEqual(['b1 a1', 0])
  })
  test('a poll that began before an act does not undo it', () => expect(told(standing([alert('a', 10, { revision: 3, findings: 9 })], page([alert('a', 10)]), false))).toEqual(['a9', 0]))
})

test('which lists have an alert', () => {
  const mine = (label: string | null): boolean => label === 'user:me'
  const one = alert('a', 1, { assignee: 'user:me', status: 'acknowledged' })
  expect(fits(one, {}, mine)).toBe(true)
  expect(fits(one, { status: 'open' }, mine)).toBe(false)
  expect(fits(one, { severity: 'medium', assignee: 'me', rule: 'r' }, mine)).toBe(true)
  expect(fits(one, { severity: 'critical' }, mine)).toBe(false)
})

test('moving stops at the ends', () => {
  expect([neighbour(['a', 'b'], undefined, 1), neighbour(['a', 'b'], undefined, -1), neighbour(['a', 'b'], 'a', 1), neighbour(['a', 'b'], 'b', 1), neighbour([], 'a', 1)]).toEqual(['a', 'b', 'b', 'b', undefined])
})
