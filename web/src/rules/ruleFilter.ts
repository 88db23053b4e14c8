/** Which rules are shown, and in which order. */
import type { Level, RuleDays, RuleSummary } from '../api/shapes'
import { isFilter, kindText, LEVELS, tagText } from './words'

export const STATES = ['on', 'off', 'tuned', 'own', 'counted', 'untested', 'filters'] as const
export type State = (typeof STATES)[number]

export const STATE_WORDS: Record<State, string> = { on: 'On', off: 'Off', tuned: 'Tuned', own: 'Our own', counted: 'Counted by others', untested: 'Without tests', filters: 'Filters' }

export const SORTS = ['title', 'level', 'kind', 'package', 'tests', 'on', 'found'] as const
export type Sort = (typeof SORTS)[number]

/** As the address has it: what is not there limits nothing. */
export interface RuleFilter {
  find?: string | undefined
  package?: string | undefined
  level?: string | undefined
  state?: string | undefined
  /** A column, with `-` before it the other way round. */
  sort?: string | undefined
}

/** In the address, for rules of no package. */
export const OWN = 'own'

const IS: Record<State, (rule: RuleSummary) => boolean> = {
  on: (rule) => rule.is_enabled,
  off: (rule) => !rule.is_enabled,
  tuned: (rule) => rule.is_tuned,
  own: (rule) => rule.package == null,
  counted: isCounted,
  untested: (rule) => rule.tests === 0 && !isFilter(rule),
  filters: isFilter,
}

/** Whether what it matches is no finding of its own, as another rule counts it. */
export function isCounted(rule: RuleSummary): boolean {
  return rule.is_enabled && !rule.is_reported && rule.problem == null && !isFilter(rule)
}

/** How grave: 0 for the gravest. A filter has no level. */
const rank = (rule: RuleSummary): number => (isFilter(rule) ? LEVELS.length : LEVELS.indexOf(rule.level))

/** What the level of a rule is, where it has one. */
export const levelOf = (rule: RuleSummary): Level | undefined => (isFilter(rule) ? undefined : rule.level)

function holds(rule: RuleSummary, filter: RuleFilter, words: readonly string[]): boolean {
  if (filter.package !== undefined && (rule.package ?? OWN) !== filter.package) return false
  if (filter.level !== undefined && levelOf(rule) !== filter.level) return false
  const state = STATES.find((name) => name === filter.state)
  if (state && !IS[state](rule)) return false
  if (words.length === 0) return true
  const text = `${rule.title} ${rule.id} ${rule.description} ${kindText(rule.kind)} ${rule.kind} ${rule.tags.join(' ')} ${rule.tags.map(tagText).join(' ')} ${rule.finding_type ?? ''} ${rule.author}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

/** What each rule found, by its id. */
export type Found = ReadonlyMap<string, RuleDays>
const NONE: Found = new Map()

/** All that a rule found, of every day. */
export const foundOf = (found: Found, id: string): number => found.get(id)?.found.reduce((sum, day) => sum + day, 0) ?? 0

const ORDER: Record<Exclude<Sort, 'found'>, (a: RuleSummary, b: RuleSummary) => number> = {
  title: () => 0,
  level: (a, b) => rank(a) - rank(b),
  kind: (a, b) => kindText(a.kind).localeCompare(kindText(b.kind)),
  package: (a, b) => (a.package ?? '').localeCompare(b.package ?? ''),
  tests: (a, b) => a.tests - b.tests,
  on: (a, b) => Number(b.is_enabled) - Number(a.is_enabled),
}

export function sortOf(filter: RuleFilter): { by: Sort; isDown: boolean } {
  const isDown = filter.sort?.startsWith('-') ?? false
  const name = isDown ? filter.sort?.slice(1) : filter.sort
  return { by: SORTS.find((sort) => sort === name) ?? 'title', isDown }
}

/** The rules that a filter lets through, in its order; equal ones by title. */
export function filtered(rules: readonly RuleSummary[], filter: RuleFilter, found: Found = NONE): RuleSummary[] {
  const words = (filter.find ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const { by, isDown } = sortOf(filter)
  const sign = isDown ? -1 : 1
  const byTitle = (a: RuleSummary, b: RuleSummary): number => a.title.localeCompare(b.title)
  const order = by === 'title' ? byTitle : by === 'found' ? (a: RuleSummary, b: RuleSummary) => foundOf(found, a.id) - foundOf(found, b.id) : ORDER[by]
  return rules.filter((rule) => holds(rule, filter, words)).sort((a, b) => sign * order(a, b) || byTitle(a, b))
}

/** How many rules there are of each value. */
export function counts<Key extends string>(rules: readonly RuleSummary[], of: (rule: RuleSummary) => Key | undefined): Map<Key, number> {
  const found = new Map<Key, number>()
  for (const rule of rules) {
    const key = of(rule)
    if (key !== undefined) found.set(key, (found.get(key) ?? 0) + 1)
  }
  return found
}

export const isFiltered = ({ find, package: of, level, state }: RuleFilter): boolean => [find, of, level, state].some((value) => value !== undefined && value !== '')
