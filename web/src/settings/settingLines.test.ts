import { describe, expect, test } from 'vitest'
import type { Settings } from '../api/shapes'
import { changesOf, minutesText, updateOf } from './settingLines'

const before: Settings = { title: 'Default', mfa_required: false, password_sign_in: true, password_length_min: 12, session_idle_minutes: 60, session_absolute_minutes: 720, keys_max: 20, audit_reads: true, own_activity_report: true, alert_escalation_minutes: 60, alert_reopen_hours: 24 }

describe('what would be saved', () => {
  const after = { ...before, mfa_required: true, password_length_min: 15 }
  test('is told from old to new', () => expect(changesOf(before, after)).toEqual([{ label: 'Second factor for everybody', from: 'off', to: 'on' }, { label: 'Shortest password', from: '12 characters', to: '15 characters' }]))
  test('is sent without what stays', () => expect(updateOf(before, after)).toEqual({ mfa_required: true, password_length_min: 15 }))
  test('is nothing when nothing changed', () => expect(changesOf(before, { ...before })).toEqual([]))
})

test('minutes read as hours and days', () => {
  expect(minutesText(720)).toBe('12 h')
  expect(minutesText(1500)).toBe('1 d 1 h')
  expect(minutesText(45)).toBe('45 min')
})
