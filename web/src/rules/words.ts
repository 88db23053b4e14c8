/** What levels, kinds and tags of rules are called. */
import type { DetectionDrops, PackageList } from '../api/rules'
import type { Level, PackageSummary, RuleSummary } from '../api/shapes'
import { count } from '../ui/number'

/** The gravest first. */
export const LEVELS: readonly Level[] = ['critical', 'high', 'medium', 'low', 'informational']

export const LEVEL_MEANS: Record<Level, string> = {
  critical: 'a look now',
  high: 'a look today',
  medium: 'as most rules',
  low: 'a look when there is time',
  informational: 'worth a record, not a look',
}

const KINDS: Record<string, string> = {
  match: 'each match',
  event_count: 'count',
  value_count: 'different values',
  value_sum: 'sum',
  value_avg: 'average',
  value_percentile: 'percentile',
  value_median: 'median',
  temporal: 'together',
  temporal_ordered: 'sequence',
  absence: 'absence',
  silence: 'silence',
  new_terms: 'new value',
  new_device: 'new device',
  unusual_location: 'unusual location',
  impossible_travel: 'impossible travel',
  concurrent_sessions: 'concurrent sessions',
}

export const kindText = (kind: string): string => KINDS[kind] ?? kind.replaceAll('_', ' ')

/** Whether it only narrows other rules: it finds nothing itself, so it has no level, no tuning and no backtest. */
export const isFilter = (rule: Pick<RuleSummary, 'kind'>): boolean => rule.kind === 'filter'

/** Whether the rule looks at several events together, so that its comparison can be tuned. */
export const isCorrelation = (rule: RuleSummary): boolean => rule.kind !== 'match' && !isFilter(rule)

/** What a filter narrows, which is the first sentence of its description, and what else that says. */
export function reachOf({ description }: Pick<RuleSummary, 'description'>): { reach: string; rest: string } {
  const [, reach, rest] = /^(Narrows\s.*?\.)(?:\s+(.*))?$/s.exec(description) ?? []
  return reach === undefined ? { reach: '', rest: description } : { reach, rest: rest ?? '' }
}

/** Whether a variable of a package has no values yet. */
export const isUnfilled = (of: Pick<PackageSummary, 'variables'>): boolean => of.variables.some((variable) => variable.values.length === 0)

/** Who wrote a package, and its licence; a file in the bucket states neither. */
export const makersText = ({ author, licence }: Pick<PackageSummary, 'author' | 'licence'>): string => (author === licence ? author : `${author}, ${licence}`)

/** What came of looking for rule files in the account's storage. */
export function lookedText(before: PackageList | undefined, { packages, problems }: PackageList): string {
  const ofFiles = (list: PackageList['packages']): Map<string, string> => new Map(list.filter((one) => one.file != null).map((one) => [one.id, one.digest]))
  const [then, now] = [ofFiles(before?.packages ?? packages), ofFiles(packages)]
  const came = [...now.keys()].filter((id) => !then.has(id)).length
  const gone = [...then.keys()].filter((id) => !now.has(id)).length
  const changed = [...now].filter(([id, digest]) => then.has(id) && then.get(id) !== digest).length
  const parts = [came > 0 && `${count(came)} came`, changed > 0 && `${count(changed)} changed`, gone > 0 && `${count(gone)} went`].filter((part) => part !== false)
  if (parts.length > 0) return `Packages from the bucket: ${parts.join(', ')}`
  return problems.length > 0 || packages.some((one) => one.problem != null) ? 'Nothing new, and something in the bucket cannot be used' : 'Nothing new in the bucket'
}

/** `12 rules, 1 filter`; with some of them `3 of 12 rules, 0 of 1 filter`. Filters are listed among rules and counted apart. */
export function rulesText(all: readonly Pick<RuleSummary, 'kind'>[], shown?: readonly Pick<RuleSummary, 'kind'>[]): string {
  const part = (word: string, isMeant: (rule: Pick<RuleSummary, 'kind'>) => boolean): string => {
    const total = all.filter(isMeant).length
    return `${shown ? `${count(shown.filter(isMeant).length)} of ` : ''}${count(total)} ${total === 1 ? word : `${word}s`}`
  }
  const isRule = (rule: Pick<RuleSummary, 'kind'>): boolean => !isFilter(rule)
  if (!all.some(isFilter)) return part('rule', isRule)
  return all.some(isRule) ? `${part('rule', isRule)}, ${part('filter', isFilter)}` : part('filter', isFilter)
}

const TECHNIQUE = /^attack\.(t\d{4})(?:\.(\d{3}))?$/i
const TACTIC = /^attack\.([a-z][a-z_-]+)$/i

/** Where MITRE describes the technique that a tag names. */
export function techniqueAddress(tag: string): string | undefined {
  const found = TECHNIQUE.exec(tag)
  if (!found?.[1]) return undefined
  return `https://attack.mitre.org/techniques/${found[1].toUpperCase()}/${found[2] === undefined ? '' : `${found[2]}/`}`
}

/** A tag as people write it: `T1098.003`, `initial access`. */
export function tagText(tag: string): string {
  if (TECHNIQUE.test(tag)) return tag.slice('attack.'.length).toUpperCase()
  return TACTIC.exec(tag)?.[1]?.replace(/[_-]/g, ' ') ?? tag
}

/** How detection stands, in short sentences; the second is something to look at, where there is one. */
export function detectionText(status: DetectionDrops | null | undefined): { state: string; dropped: string | undefined } {
  if (!status) return { state: 'No rule runs.', dropped: undefined }
  const runs = `${count(status.rules)} ${status.rules === 1 ? 'rule runs' : 'rules run'}`
  const state = status.behind === 0 ? `${runs}, every event is looked at.` : `${runs}, ${count(status.behind)} ${status.behind === 1 ? 'event waits' : 'events wait'} to be looked at.`
  const drops: [number | undefined, one: string, many: string][] = [
    [status.dropped_groups, 'group, as memory was full', 'groups, as memory was full'],
    [status.dropped_matches, 'match, as its group was full', 'matches, as their group was full'],
    [status.without_group, 'match, as it had no value to be grouped by', 'matches, as they had no value to be grouped by'],
    [status.dropped_windows, 'window of time that was not looked at again for a late match, as there were too many', 'windows of time that were not looked at again for late matches, as there were too many'],
    [status.forgotten_values, 'value or network that a learning rule knew, as its memory was full (it may be told as new)', 'values and networks that learning rules knew, as their memory was full (they may be told as new)'],
  ]
  const dropped = drops.flatMap(([number = 0, one, many]) => (number === 0 ? [] : [`${count(number)} ${number === 1 ? one : many}`]))
  return { state, dropped: dropped.length === 0 ? undefined : `Let go: ${dropped.join('; ')}.` }
}
