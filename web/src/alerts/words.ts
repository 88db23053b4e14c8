/** What alerts, their acts and their history are called, and where they lead. Pure. */
import { shorten } from '../activity/event'
import type { Alert, AlertDetail, AlertEntry, AlertStatus, GroupPair } from '../api/shapes'
import { exactly, join } from '../query/terms'

export const STATUS_MEANS: Record<AlertStatus, string> = { open: 'nobody has taken it on', acknowledged: 'somebody looks at it', resolved: 'it is over' }

/** What a sentence says beyond the rule’s title, which stands above it. */
export function beyondTitle(title: string, sentence: string): string {
  if (!sentence.startsWith(title)) return sentence
  const rest = sentence.slice(title.length)
  // Not in the middle of a word.
  return /^[:,\s]/.test(rest) ? rest.replace(/^[:,\s]+/, '') : rest === '' ? '' : sentence
}

const WORD_MAX = 42

/** A sentence whose long ids lost their middle; blanks and signs around them stay. */
export function withShortIds(sentence: string): string {
  return sentence.replace(/[^\s,;]+/g, (word) => (word.length > WORD_MAX ? shorten(word, WORD_MAX) : word))
}

/** The values in common as a search. */
export function groupQuery(group: readonly GroupPair[]): string {
  return group.reduce((query, pair) => join(query, exactly(pair.key, pair.value)), '')
}

/** Whether it tells of insights: what its findings have in common is of them, and in no event of Activity. */
export const isOfInsights = ({ evidence }: Pick<AlertDetail, 'evidence'>): boolean => evidence.some((record) => record.startsWith('insights:'))

const HOUR_MS = 3_600_000

/** From when a search finds all that an alert is about: events may have happened long before they came in. */
export function searchFrom(openedAt: string, eventTimes: readonly string[]): string {
  const times = [openedAt, ...eventTimes].map((time) => Date.parse(time)).filter((time) => !Number.isNaN(time))
  return new Date(Math.floor(Math.min(...times) / HOUR_MS - 1) * HOUR_MS).toISOString()
}

export interface Moment {
  at: string
  act: string
  /** Null for whodid itself. */
  by: string | null
  /** After who did it: `acknowledged it`. */
  words: string
  /** Whom it was given to. */
  to?: string
  /** Until when it is silent. */
  until?: string
  /** What somebody wrote or gave as the reason. */
  text?: string
}

/** History and notes as one, oldest first. */
export function momentsOf({ history, notes }: Pick<AlertDetail, 'history' | 'notes'>): Moment[] {
  const rest = [...notes]
  const moments = history.map((entry) => {
    const moment = momentOf(entry)
    if (entry.act !== 'noted') return moment
    const at = rest.findIndex((note) => note.at === entry.at && note.by === entry.by)
    const [note] = at < 0 ? [] : rest.splice(at, 1)
    return note ? { ...moment, text: note.text } : moment
  })
  // Of a long history only the newest acts are kept, and all notes.
  return [...moments, ...rest.map((note) => ({ at: note.at, act: 'noted', by: note.by, words: 'wrote', text: note.text }))].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

function momentOf({ at, by, act, detail }: AlertEntry): Moment {
  const base = { at, act, by }
  switch (act) {
    case 'opened':
      return { ...base, words: 'opened it' }
    case 'reopened':
      return { ...base, words: by === null ? 'opened it again: it happened again' : 'opened it again' }
    case 'escalated':
      return { ...base, words: `told it once more, as ${detail}: nobody had acknowledged it` }
    case 'acknowledged':
      return { ...base, words: 'acknowledged it' }
    case 'assigned':
      return { ...base, ...(detail === '' ? { words: 'gave it to nobody in particular' } : detail === by ? { words: 'took it on' } : { words: 'gave it to', to: detail }) }
    case 'noted':
      return { ...base, words: 'wrote' }
    case 'silenced': {
      const found = /^until (\S+): (.*)$/s.exec(detail)
      return found?.[1] !== undefined ? { ...base, words: 'silenced it until', until: found[1], text: found[2] ?? '' } : { ...base, words: 'silenced it', text: detail }
    }
    case 'unsilenced':
      return { ...base, words: 'let it tell again' }
    case 'resolved':
      return { ...base, words: 'resolved it', ...(detail === '' ? {} : { text: detail }) }
    default:
      return { ...base, words: act, ...(detail === '' ? {} : { text: detail }) }
  }
}

const MOMENT_WORDS: Record<string, string> = { opened: 'that it opened', again: 'that it happened again', escalated: 'that nobody acknowledged it', acknowledged: 'that it is acknowledged', resolved: 'that it is resolved', reopened: 'that it is open again', test: 'a test' }

/** What a channel was told. */
export const momentWords = (moment: string): string => MOMENT_WORDS[moment] ?? moment

/** Several as `3 alerts`, one by its title. */
export function named(alerts: readonly Pick<Alert, 'rule_title'>[]): string {
  const [first] = alerts
  return alerts.length === 1 && first ? `“${first.rule_title}”` : `${alerts.length} alerts`
}

/** A value as an exception's condition has it: its commas split nothing, and its stars stand for themselves. */
export function literal(value: string): string {
  const plain = value.replace(/[*?]/g, '\\$&')
  return /[,]/.test(plain) && !plain.includes('"') ? `"${plain}"` : plain
}
