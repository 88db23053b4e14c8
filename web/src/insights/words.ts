/** What insights, their tests and their learning are in words. Pure. */
import { lengthText } from '../activity/time'
import type { Insight, InsightPattern, InsightSensitivity, InsightStatus } from '../api/shapes'
import { exactly, join } from '../query/terms'
import { count } from '../ui/number'
import type { Contributor, Term, Test } from './parts'

/** Two digits, and whole from ten on. */
export function rough(value: number): string {
  if (value >= 9.95) return count(Math.round(value))
  if (value >= 0.95) return String(Math.round(value * 10) / 10)
  return value === 0 ? '0' : String(Number(value.toPrecision(2)))
}

const RATES = new Set<Insight['insight_type']>(['ApiCallRateInsight', 'ApiErrorRateInsight', 'PolicyChangeInsight', 'PasswordChangeInsight'])

/** How far from usual: `14×`; `rare` where next to nothing was expected; nothing where no counts are compared. */
export function deviation({ insight_type, times_usual }: Pick<Insight, 'insight_type' | 'times_usual'>): string | undefined {
  if (times_usual !== null && times_usual !== undefined) return `${rough(times_usual)}×`
  return RATES.has(insight_type) ? 'rare' : undefined
}

export const deviationTitle = (text: string): string => (text === 'rare' ? 'next to none is usual' : 'what is usual')

/** `42 min`; of one that goes on, how long by now. */
export function lasted({ start, end }: Pick<Insight, 'start' | 'end'>, now: number): string {
  const to = end === null || end === undefined ? now : Date.parse(end)
  return lengthText(Math.max(60_000, to - Date.parse(start)))
}

/** Of one that a pattern covers somebody may still say that it was useful. */
export const isExpected = ({ verdict, expected_by }: Pick<Insight, 'verdict' | 'expected_by'>): boolean => verdict === 'expected' || (verdict == null && expected_by != null)

/** What a sign says where it makes somebody else likelier, and where it speaks against that; what was done only ever speaks for it. */
const TERMS: Record<string, readonly [string, string?]> = {
  network: ['a network never used before', 'a network used before'],
  country: ['a country never seen before', 'a usual country'],
  account: ['nobody else comes from there', 'others of the account come from there'],
  agent: ['another program than usual', 'a usual program'],
  service: ['a service never used before', 'a usual service'],
  hour: ['at an odd hour', 'at a usual hour'],
  elsewhere: ['is active elsewhere at the same time'],
  denied: ['is refused time and again'],
  failed: ['fails time and again'],
  writes: ['changes things at once'],
  calls: ['does more than in a usual visit'],
  users: ['several people from it at once'],
}
export function termWords({ name, value }: Term): string {
  const [sign, against] = TERMS[name] ?? [name]
  return value < 0 ? (against ?? sign) : sign
}

/** Below it a sign says nothing either way. */
const TERM_LEAST = 0.05
/** The signs that say something, the weightiest first. */
export const signsOf = (terms: readonly Term[]): Term[] => terms.filter(({ value }) => Math.abs(value) >= TERM_LEAST).sort((a, b) => b.value - a.value)

/** A series is looked at once in five minutes. */
const WINDOWS_A_YEAR = 2016 * 52.18

/**
 * How often one series as it usually is would show this by chance: windows a year times the p-value of each, which is
 * the most there can be, since windows overlap.
 */
export function chanceWords(score: number): string {
  const years = 10 ** score / WINDOWS_A_YEAR
  if (years >= 1e6) return 'less than once in a million years'
  if (years >= 1.5) return `about once in ${years >= 10 ? count(Number(years.toPrecision(2))) : rough(years)} years`
  const weeks = years * 52.18
  if (weeks >= 1.5) return `about once in ${rough(weeks)} weeks`
  return weeks * 7 >= 1.5 ? `about once in ${rough(weeks * 7)} days` : 'about every day'
}

/** `10 minutes`, `1 hour`. */
export function windowWords(minutes: number): string {
  if (minutes < 120 && minutes !== 60) return minutes === 1 ? '1 minute' : `${minutes} minutes`
  const hours = minutes / 60
  if (hours >= 48 && hours % 24 === 0) return `${hours / 24} days`
  return hours === 1 ? '1 hour' : `${rough(hours)} hours`
}

/** What was tested, in sentences. `counted`: what it is a number of. */
export function testSentences(test: Test, counted: string): string[] {
  const span = windowWords(test.windowMinutes)
  const were = test.expected < 1 ? 'was' : 'were'
  const byChance = `One that is as usual shows so much by chance ${chanceWords(test.score)}.`
  switch (test.method) {
    case 'fact':
      if (test.windowMinutes === 0) return ['This is a plain fact, not an estimate: the record itself says so.']
      return [`Nothing came in ${span}, or next to nothing. In these hours of the day the source was busy on most of the last seven days, and had ${rough(test.expected)} events a week ago.`]
    case 'likelihood-ratio':
      return [`Each sign makes it more (+) or less (−) likely that this is somebody else: 1 stands for ten times, 2 for a hundred. Together they weigh ${rough(test.score)}; from ${rough(test.threshold)} on it is told.`]
    case 'first-day':
      return [`Nobody did this before, so it is held against the first days of other new actions: ${rough(test.count)} ${counted} in ${span}. From ${rough(Math.ceil(test.upper))} in ${span} on it is told, which is more than nearly all of them had.`]
    case 'beta-binomial':
      return [`When it was noticed, ${rough(test.count)} ${test.of === undefined ? '' : `of ${rough(test.of)} `}calls in ${span} had failed with this code. Expected ${were} ${rough(test.expected)}, and 19 of 20 such windows have at most ${rough(test.upper)}.`, byChance]
    default:
      return [`When it was noticed, there had been ${rough(test.count)} ${counted} in ${span}. Expected ${were} ${rough(test.expected)}, for this weekday and hour, and 19 of 20 such windows have at most ${rough(test.upper)}.`, byChance]
  }
}

export const percent = (share: number): string => (share > 0 && share < 0.01 ? '< 1 %' : `${Math.round(share * 100)} %`)

/** `+79 points`; nothing where it is much as usual. */
export function shareChange({ share, usualShare }: Pick<Contributor, 'share' | 'usualShare'>): string | undefined {
  const points = Math.round((share - usualShare) * 100)
  return Math.abs(points) < 1 ? undefined : `${points > 0 ? '+' : '−'}${Math.abs(points)} points`
}

/** What the attributes of insights are in whodid's events: in words, and the field. */
const ATTRIBUTES: Record<string, readonly [string, string]> = {
  principalId: ['Who', 'initiator.name'], userIdentityArn: ['Who', 'initiator.name'], sourceIpAddress: ['Address', 'initiator.host.address'], userAgent: ['Program', 'initiator.host.agent'], errorCode: ['Error code', 'reason.reasonType'], apiRelated: ['Action', 'action'],
}
export const attributeWords = (attribute: string): string => ATTRIBUTES[attribute]?.[0] ?? attribute
/** What has no code did not fail. */
export const contributorWords = (attribute: string, value: string): string => (value !== 'null' ? value : attribute === 'errorCode' ? 'no error' : 'unknown')

/** The search narrowed to one contributor; nothing for an attribute that has no field. */
export function contributorQuery(query: string, attribute: string, value: string): string | undefined {
  const field = ATTRIBUTES[attribute]?.[1]
  if (field === undefined) return undefined
  return join(query, value === 'null' ? `-${field}:*` : exactly(field, value))
}

/** Of calls and errors 0.5 a week at normal, of changes the same, of addresses and of keys 1 each; a fifth of it at low, four times at high. */
export const SENSITIVITIES: Record<InsightSensitivity, { label: string; what: string }> = {
  low: { label: 'Low', what: 'About one in two weeks. Only what is far from usual is told.' },
  normal: { label: 'Normal', what: 'About three a week, two of them of addresses and keys.' },
  high: { label: 'High', what: 'About twelve a week. Smaller departures are told, and sooner.' },
}

/** What one point or window of a kind counts. */
export const countedWords = (kind: Insight['insight_type']): string => COUNTED[kind] ?? 'events'
const COUNTED: Partial<Record<Insight['insight_type'], string>> = { ApiCallRateInsight: 'calls', ApiErrorRateInsight: 'errors', PolicyChangeInsight: 'changes', PasswordChangeInsight: 'changes' }

const DAY_HOURS = 24

export interface Learning {
  /** `17 h of 24 h`. */
  text: string
  /** 0 to 1. */
  part: number
}

/** How far learning is; nothing once insights are told. */
export function learningOf({ is_ready, learned_hours }: Pick<InsightStatus, 'is_ready' | 'learned_hours'>): Learning | undefined {
  if (is_ready) return undefined
  const hours = Math.min(DAY_HOURS, Math.max(0, learned_hours))
  return { text: `${Math.floor(hours)} h of ${DAY_HOURS} h`, part: hours / DAY_HOURS }
}

export const PATTERN_LABELS = {
  insight_type: 'Kind', region: 'Region', event_source: 'Service', event_name: 'Action', error_code: 'Error code', source_ip_address: 'Address', principal_id: 'Who',
} as const satisfies Partial<Record<keyof InsightPattern, string>>
export type PatternField = keyof typeof PATTERN_LABELS

/** The conditions of a pattern, in reading order. */
export function patternRows(pattern: InsightPattern): [PatternField, string][] {
  return (Object.keys(PATTERN_LABELS) as PatternField[]).flatMap((field) => {
    const value = pattern[field]
    return value === null || value === undefined || value === '' ? [] : [[field, value] as [PatternField, string]]
  })
}

/** What the package of insights asks as well: not what was found in a history, and not what is expected. */
const TOLD = ['requestData.isPast:===false', 'requestData.isExpected:===false']

/** The search for what is told of insights like this one, in the stream `insights`. */
export function likeThisQuery(insight: Insight): string {
  const parts = [`requestData.insightType:===${insight.insight_type}`]
  const add = (field: string, value: string | null | undefined): void => {
    if (value !== null && value !== undefined && value !== '') parts.push(exactly(field, value).replace(':==', ':==='))
  }
  add('requestData.eventSource', insight.event_source)
  add('requestData.eventName', insight.event_name)
  add('requestData.principalId', insight.principal_id)
  return ['action:===whodid.insight.start', ...TOLD, ...parts].join(' ')
}
