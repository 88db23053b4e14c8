/** A search alert and a preset as people fill them in, and as they are sent. Pure. */
import type { Level, SearchAlertWrite, TellingPreset, TellingPresetWrite, ToldChannel, Trigger, TriggerInterval } from '../api/shapes'
import { DAYS, intervalOf, isStream, type Day, type Stream } from './words'

export interface TriggerForm {
  operator: Trigger['operator']
  limit: string
  interval: TriggerInterval
  immediate: boolean
  terminal: boolean
  isQuiet: boolean
  days: readonly Day[]
  isAllDay: boolean
  periods: readonly { from: string; to: string }[]
  timeZone: string
}

export interface ToldForm {
  channel: string
  trigger: TriggerForm
}

export interface SearchForm {
  name: string
  q: string
  stream: Stream
  space: string
  region: string
  severity: Level
  isEnabled: boolean
  autoResolve: boolean
  told: 'inbox' | 'preset' | 'channels'
  trigger: TriggerForm
  preset: string
  channels: readonly ToldForm[]
}

export interface PresetForm {
  name: string
  channels: readonly ToldForm[]
}

/** The server's own defaults. */
const LEVEL: Level = 'medium'
const LIMIT_MAX = 1_000_000_000

export const emptyTrigger = (timeZone: string): TriggerForm => ({ operator: 'presence', limit: '1', interval: '5m', immediate: true, terminal: false, isQuiet: false, days: [], isAllDay: true, periods: [], timeZone })

export const emptySearch = (timeZone: string): SearchForm => ({ name: '', q: '', stream: 'activity', space: '', region: '', severity: LEVEL, isEnabled: true, autoResolve: false, told: 'inbox', trigger: emptyTrigger(timeZone), preset: '', channels: [] })

export function triggerForm(trigger: Trigger, timeZone: string): TriggerForm {
  const { blackout } = trigger
  return {
    operator: trigger.operator,
    limit: String(trigger.trigger_limit ?? 1),
    interval: intervalOf(trigger),
    immediate: trigger.immediate ?? false,
    terminal: trigger.terminal ?? false,
    isQuiet: blackout?.enabled ?? false,
    days: DAYS.filter((day) => blackout?.days?.includes(day) === true),
    isAllDay: blackout?.times?.enabled !== true,
    periods: (blackout?.times?.periods ?? []).map(([from = '', to = '']) => ({ from: timeOf(from), to: timeOf(to) })),
    timeZone: blackout ? (blackout.timezone ?? 'UTC') : timeZone,
  }
}

/** A field for times knows no `24:00`; midnight of the next day is the same. */
const timeOf = (time: string): string => (time === '24:00' ? '00:00' : time)

const toldForms = (told: readonly ToldChannel[], timeZone: string): ToldForm[] => told.map(({ channel, trigger }) => ({ channel, trigger: triggerForm(trigger, timeZone) }))

export function searchForm(alert: SearchAlertWrite, timeZone: string): SearchForm {
  const empty = emptySearch(timeZone)
  return {
    ...empty,
    name: alert.name,
    q: alert.q ?? '',
    stream: isStream(alert.stream) ? alert.stream : 'activity',
    space: alert.space ?? '',
    region: alert.region ?? '',
    severity: alert.severity ?? LEVEL,
    isEnabled: alert.is_enabled ?? true,
    autoResolve: alert.auto_resolve ?? false,
    ...(alert.preset !== undefined ? { told: 'preset', preset: alert.preset } : alert.channels !== undefined ? { told: 'channels', channels: toldForms(alert.channels, timeZone) } : alert.trigger !== undefined ? { trigger: triggerForm(alert.trigger, timeZone) } : {}),
  }
}

export const presetForm = (preset: Pick<TellingPreset, 'name' | 'channels'>, timeZone: string): PresetForm => ({ name: preset.name, channels: toldForms(preset.channels, timeZone) })

export function triggerOf(form: TriggerForm): Trigger {
  const isPresence = form.operator === 'presence'
  // Switched off, quiet times are kept for another day.
  const hasQuiet = form.isQuiet || form.days.length > 0 || form.periods.length > 0
  const periods = form.periods.map(({ from, to }) => [from, to])
  return {
    operator: form.operator,
    trigger_limit: Number(form.limit),
    trigger_interval: form.interval,
    immediate: isPresence && form.immediate,
    terminal: !isPresence || form.terminal,
    ...(hasQuiet ? { blackout: { enabled: form.isQuiet, days: [...form.days], timezone: form.timeZone.trim(), ...(periods.length === 0 ? {} : { times: { enabled: !form.isAllDay, periods } }) } } : {}),
  }
}

const toldOf = (told: readonly ToldForm[]): ToldChannel[] => told.map(({ channel, trigger }) => ({ channel, trigger: triggerOf(trigger) }))

export function searchOf(form: SearchForm): SearchAlertWrite {
  const [space, region] = [form.space.trim(), form.region.trim()]
  return {
    name: form.name.trim(),
    q: form.q.trim(),
    stream: form.stream,
    ...(space === '' ? {} : { space }),
    ...(region === '' ? {} : { region }),
    severity: form.severity,
    is_enabled: form.isEnabled,
    auto_resolve: form.autoResolve,
    ...(form.told === 'preset' ? { preset: form.preset } : form.told === 'channels' ? { channels: toldOf(form.channels) } : { trigger: triggerOf(form.trigger) }),
  }
}

export const presetOf = (form: PresetForm): TellingPresetWrite => ({ name: form.name.trim(), channels: toldOf(form.channels) })

/** The first thing that cannot be sent; the server knows more. */
export function searchProblem(form: SearchForm): string | undefined {
  if (form.name.trim() === '') return 'Give it a name.'
  switch (form.told) {
    case 'inbox':
      return triggerProblem(form.trigger)
    case 'preset':
      return form.preset === '' ? 'Choose a preset.' : undefined
    case 'channels':
      return toldProblem(form.channels)
  }
}

export const presetProblem = (form: PresetForm): string | undefined => (form.name.trim() === '' ? 'Give it a name.' : toldProblem(form.channels))

function toldProblem(channels: readonly ToldForm[]): string | undefined {
  if (channels.length === 0) return 'Add a channel.'
  if (channels.some(({ channel }) => channel === '')) return 'Choose each channel.'
  return channels.map(({ trigger }) => triggerProblem(trigger)).find((problem) => problem !== undefined)
}

function triggerProblem(form: TriggerForm): string | undefined {
  const limit = Number(form.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) return 'How many: a whole number from 1.'
  if (form.operator === 'presence' && !form.immediate && !form.terminal) return 'Choose when it is told: at once, at the end, or both.'
  if (!form.isQuiet) return undefined
  if (form.isAllDay && form.days.length === 0) return 'Choose the quiet days, or quiet hours.'
  if (!form.isAllDay && form.periods.length === 0) return 'Add quiet hours.'
  if (form.periods.some(({ from, to }) => from === '' || to === '')) return 'Quiet hours need a beginning and an end.'
  return form.timeZone.trim() === '' ? 'Give the time zone of the quiet times.' : undefined
}
