/** What of a rule is set otherwise for this account. */
import type { FiringPolicy, RuleSummary, RuleUpdate } from '../api/shapes'
import { items } from './ruleForm'
import { statedPolicy, statedThreshold, type PolicyText } from './statedPolicy'
import { isCorrelation } from './words'

/** Stands for no change of what holds now. */
export const KEEP = ''

export interface TuningDraft extends PolicyText {
  level: string
  /** What a correlation compares with. */
  comparison: string
}

/** Whole: the server takes what is not there as unset, not as the rule says. */
const wholePolicy = (draft: PolicyText): FiringPolicy => ({
  dedup_key: items(draft.dedup_key),
  dedup_window: draft.dedup_window.trim(),
  threshold: Number(draft.threshold),
  threshold_window: draft.threshold_window.trim(),
  ...(draft.daily_cap.trim() === '' ? {} : { daily_cap: Number(draft.daily_cap) }),
})

const POLICY = ['dedup_key', 'dedup_window', 'threshold', 'threshold_window', 'daily_cap'] as const

/** What is to be sent: nothing of what was left as it is. */
export function tuningOf(before: TuningDraft, draft: TuningDraft): RuleUpdate {
  const comparison = draft.comparison.trim()
  return {
    ...(draft.level === before.level ? {} : { level: draft.level }),
    ...(comparison === before.comparison || comparison === '' ? {} : { threshold: Number(comparison) }),
    ...(POLICY.every((name) => draft[name] === before[name]) ? {} : { policy: wholePolicy(draft) }),
  }
}

/** Sets everything to what the rule’s own text says. */
export function asStated(text: string, rule: RuleSummary): RuleUpdate {
  const comparison = isCorrelation(rule) ? statedThreshold(text, rule.id) : undefined
  return { level: 'default', policy: wholePolicy(statedPolicy(text, rule.id)), ...(comparison ? { threshold: Number(comparison.value) } : {}) }
}
