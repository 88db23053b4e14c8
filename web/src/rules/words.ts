/** What levels, kinds and tags of rules are called. */
import type { DetectionStatus, Level, RuleSummary } from '../api/shapes'
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

/** Whether the rule looks at several events together, so that its comparison can be tuned. */
export const isCorrelation = (rule: RuleSummary): boolean => rule.kind !== 'match'

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
export function detectionText(status: DetectionStatus | null | undefined): { state: string; dropped: string | undefined } {
  if (!status) return { state: 'No rule runs.', dropped: undefined }
  const runs = `${count(status.rules)} ${status.rules === 1 ? 'rule runs' : 'rules run'}`
  const state = status.behind === 0 ? `${runs}, every event is looked at.` : `${runs}, ${count(status.behind)} ${status.behind === 1 ? 'event waits' : 'events wait'} to be looked at.`
  const dropped = [
    status.dropped_groups > 0 && `${count(status.dropped_groups)} groups, as memory was full`,
    status.dropped_matches > 0 && `${count(status.dropped_matches)} matches, as their group was full`,
    status.without_group > 0 && `${count(status.without_group)} matches, as they had no value to be grouped by`,
  ].filter((text) => text !== false)
  return { state, dropped: dropped.length === 0 ? undefined : `Let go: ${dropped.join('; ')}.` }
}
