/** What of a rule is set otherwise for this account, value by value beside what the rule itself says. */
import type { FiringPolicy, RuleDetail, RuleUpdate } from '../api/shapes'
import { items } from './ruleForm'
import { isCorrelation } from './words'

/** As fields hold them. */
export interface TuningDraft {
  level: string
  /** What a correlation compares with; empty for other rules. */
  comparison: string
  dedup_key: string
  dedup_window: string
  threshold: string
  threshold_window: string
  daily_cap: string
}

export type TuningName = keyof TuningDraft

type Stated = Pick<RuleDetail, 'rule' | 'stated' | 'tuning'>

function draft(level: string, comparison: number | null | undefined, policy: FiringPolicy): TuningDraft {
  return {
    level,
    comparison: comparison == null ? '' : String(comparison),
    dedup_key: (policy.dedup_key ?? []).join(', '),
    dedup_window: policy.dedup_window ?? '',
    threshold: String(policy.threshold ?? 1),
    threshold_window: policy.threshold_window ?? '',
    daily_cap: policy.daily_cap == null ? '' : String(policy.daily_cap),
  }
}

/** What the rule's own text says. */
export const statedOf = ({ rule, stated }: Stated): TuningDraft => draft(stated.level ?? 'medium', isCorrelation(rule) ? stated.threshold : undefined, stated.policy ?? {})

/** What holds in this account. A tuned policy is whole: a limit that it does not name is taken away. */
export const heldOf = ({ rule, stated, tuning }: Stated): TuningDraft =>
  draft(tuning.level ?? stated.level ?? 'medium', isCorrelation(rule) ? (tuning.threshold ?? stated.threshold) : undefined, tuning.policy ?? stated.policy ?? {})

const UNIT_S: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** A time as its seconds, so that `60m` is `1h`; other texts stay. */
function spanKey(text: string): string {
  const found = /^(\d+)([smhdw]?)$/.exec(text.trim())
  return found ? String(Number(found[1]) * (UNIT_S[found[2] ?? ''] ?? 1)) : text.trim()
}

function key(name: TuningName, value: string): string {
  if (name === 'dedup_key') return items(value).join('\n')
  if (name === 'dedup_window' || name === 'threshold_window') return spanKey(value)
  if (name === 'level') return value
  return value.trim() === '' ? '' : String(Number(value))
}

/** Whether two values of a field mean the same. */
export const isSame = (name: TuningName, one: string, other: string): boolean => key(name, one) === key(name, other)

const NAMES: readonly TuningName[] = ['level', 'comparison', 'dedup_key', 'dedup_window', 'threshold', 'threshold_window', 'daily_cap']

export const differing = (one: TuningDraft, other: TuningDraft): TuningName[] => NAMES.filter((name) => !isSame(name, one[name], other[name]))

/** Takes back all that was tuned and sets what differs from what the rule says, so that nothing stays tuned that is not to be. */
export function tuningOf(stated: TuningDraft, wanted: TuningDraft): RuleUpdate {
  const names = new Set(differing(stated, wanted))
  const policy: FiringPolicy = {
    ...(names.has('dedup_key') ? { dedup_key: items(wanted.dedup_key) } : {}),
    ...(names.has('dedup_window') ? { dedup_window: wanted.dedup_window.trim() } : {}),
    ...(names.has('threshold') ? { threshold: Number(wanted.threshold) } : {}),
    ...(names.has('threshold_window') ? { threshold_window: wanted.threshold_window.trim() } : {}),
    // None is said as 0, which takes the rule's own away.
    ...(names.has('daily_cap') ? { daily_cap: Number(wanted.daily_cap.trim()) } : {}),
  }
  return {
    reset: true,
    ...(names.has('level') ? { level: wanted.level } : {}),
    ...(names.has('comparison') && wanted.comparison.trim() !== '' ? { threshold: Number(wanted.comparison) } : {}),
    ...(Object.keys(policy).length > 0 ? { policy } : {}),
  }
}
