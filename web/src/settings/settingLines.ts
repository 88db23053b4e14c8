/** The settings of an account: what each is called, what it does, and what changed of them. */
import type { Settings, SettingsUpdate } from '../api/shapes'

interface Line<Name extends keyof Settings = keyof Settings> {
  name: Name
  label: string
  what: string
  unit?: string
  min?: number
  max?: number
}

export interface SettingsGroup {
  title: string
  lines: readonly Line[]
}

export const GROUPS: readonly SettingsGroup[] = [
  { title: 'Account', lines: [{ name: 'title', label: 'Title', what: 'What people call the account, in the top bar and in invitations.' }] },
  {
    title: 'Signing in',
    lines: [
      { name: 'mfa_required', label: 'Second factor for everybody', what: 'Who has none must set one up at the next sign-in, before anything else.' },
      { name: 'password_sign_in', label: 'Sign in with a password', what: 'When off, only the identity provider and one-time links let people in.' },
      { name: 'password_length_min', label: 'Shortest password', what: 'Counts for new passwords; those that exist stay as they are.', unit: 'characters', min: 8, max: 64 },
    ],
  },
  {
    title: 'Sessions',
    lines: [
      { name: 'session_idle_minutes', label: 'End when idle', what: 'A session without a request for so long ends by itself.', unit: 'minutes', min: 5, max: 43_200 },
      { name: 'session_absolute_minutes', label: 'End at the latest', what: 'However busy it is, a session ends after so long and people sign in again.', unit: 'minutes', min: 15, max: 129_600 },
    ],
  },
  { title: 'Keys', lines: [{ name: 'keys_max', label: 'Keys of a kind', what: 'How many ingestion keys, and how many service keys, can work at once.', unit: 'keys', min: 1, max: 1000 }] },
  {
    title: 'Alerts',
    lines: [
      { name: 'alert_escalation_minutes', label: 'Tell again after', what: 'An alert that nobody acknowledged is told once more, as escalated. 0: never.', unit: 'minutes', min: 0, max: 10_080 },
      { name: 'alert_reopen_hours', label: 'Open again within', what: 'What happens within so long after an alert was resolved opens it again; later it is another alert.', unit: 'hours', min: 0, max: 720 },
    ],
  },
  {
    title: 'Records',
    lines: [
      { name: 'audit_reads', label: 'Record who reads', what: 'Searches, exports and events that were looked at stand in the audit log. Turning it off is recorded too.' },
      { name: 'own_activity_report', label: 'Offer “This wasn’t me”', what: 'People can report an event in their name on My activity; their other sessions end, administrators are told, and they choose a new password.' },
    ],
  },
]

const LINES = GROUPS.flatMap((group) => group.lines)

export interface SettingChange {
  label: string
  from: string
  to: string
}

const word = (value: Settings[keyof Settings], unit: string | undefined): string => (typeof value === 'boolean' ? (value ? 'on' : 'off') : unit === undefined ? String(value) : `${value} ${unit}`)

/** What would be saved, in words. */
export function changesOf(before: Settings, after: Settings): SettingChange[] {
  return LINES.filter(({ name }) => before[name] !== after[name]).map(({ name, label, unit }) => ({ label, from: word(before[name], unit), to: word(after[name], unit) }))
}

/** Only the members that differ. */
export function updateOf(before: Settings, after: Settings): SettingsUpdate {
  return Object.fromEntries(LINES.filter(({ name }) => before[name] !== after[name]).map(({ name }) => [name, after[name]]))
}

/** A number of minutes as people think of it. */
export function minutesText(minutes: number): string {
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)]
  const parts = [...(days > 0 ? [`${days} d`] : []), ...(hours > 0 ? [`${hours} h`] : []), ...(minutes % 60 > 0 ? [`${minutes % 60} min`] : [])]
  return parts.join(' ')
}
