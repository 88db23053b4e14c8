import { expect, test } from 'vitest'
import type { SearchAlertWrite } from '../api/shapes'
import { emptySearch, searchForm, searchOf, searchProblem, type SearchForm } from './searchForm'

const EMPTY: SearchForm = { ...emptySearch('Europe/Berlin'), name: 'Denied' }
const PRESENCE = { operator: 'presence', trigger_limit: 5, trigger_interval: '5m', immediate: true, terminal: false } as const
const BASE = { name: 'Denied', q: 'outcome:failure', stream: 'activity', severity: 'high', is_enabled: true, auto_resolve: false } as const

test('what the server has comes back as it was', () => {
  const alerts: SearchAlertWrite[] = [
    { ...BASE, trigger: PRESENCE },
    { ...BASE, space: 'prod', region: 'eu-de', preset: 'p1' },
    { ...BASE, channels: [{ channel: 'c1', trigger: { ...PRESENCE, blackout: { enabled: true, days: ['sat'], timezone: 'UTC', times: { enabled: true, periods: [['22:00', '06:00']] } } } }] },
    // Quiet times that are switched off are kept.
    { ...BASE, trigger: { ...PRESENCE, blackout: { enabled: false, days: ['sat'], timezone: 'UTC' } } },
  ]
  for (const alert of alerts) expect(searchOf(searchForm(alert, 'Europe/Berlin'))).toEqual(alert)
})

test('absence is told at the end only', () => {
  const { trigger } = searchOf({ ...EMPTY, trigger: { ...EMPTY.trigger, operator: 'absence', immediate: true, terminal: false } })
  expect([trigger?.immediate, trigger?.terminal]).toEqual([false, true])
})

test('what cannot be sent is told before', () => {
  const because = (change: Partial<SearchForm>) => searchProblem({ ...EMPTY, ...change })
  const trigger = (change: Partial<SearchForm['trigger']>) => because({ trigger: { ...EMPTY.trigger, ...change } })
  expect(because({})).toBeUndefined()
  expect(because({ name: ' ' })).toBe('Give it a name.')
  expect(because({ told: 'preset' })).toBe('Choose a preset.')
  expect(because({ told: 'channels' })).toBe('Add a channel.')
  expect(because({ told: 'channels', channels: [{ channel: '', trigger: EMPTY.trigger }] })).toBe('Choose each channel.')
  expect(trigger({ limit: '0' })).toBe('How many: a whole number from 1.')
  expect(trigger({ immediate: false })).toBe('Choose when it is told: at once, at the end, or both.')
  expect(trigger({ isQuiet: true })).toBe('Choose the quiet days, or quiet hours.')
  expect(trigger({ isQuiet: true, isAllDay: false })).toBe('Add quiet hours.')
})
