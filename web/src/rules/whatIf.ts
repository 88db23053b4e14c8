/** Tuning that is only tried: what is left empty is as it is. */
import type { BacktestRequest, RuleDetail, RuleUpdate } from '../api/shapes'
import { items } from './ruleForm'
import { isCorrelation } from './words'

export interface WhatIf {
  /** What a correlation compares with. */
  comparison: string
  threshold: string
  threshold_window: string
  dedup_key: string
  dedup_window: string
  daily_cap: string
}

export const AS_IT_IS: WhatIf = { comparison: '', threshold: '', threshold_window: '', dedup_key: '', dedup_window: '', daily_cap: '' }

export const isTried = (whatIf: WhatIf): boolean => Object.values(whatIf).some((value: string) => value.trim() !== '')

const SPAN = /^(0|\d+(s|m|h|d|w))$/

export function whatIfProblem(whatIf: WhatIf): string | undefined {
  const comparison = whatIf.comparison.trim()
  if (comparison !== '' && !(Number(comparison) >= 0)) return 'Compared with: a number from 0.'
  if (whatIf.threshold.trim() !== '' && !/^[1-9]\d*$/.test(whatIf.threshold.trim())) return 'From matches: a whole number from 1.'
  if (whatIf.daily_cap.trim() !== '' && !/^[1-9]\d*$/.test(whatIf.daily_cap.trim())) return 'At most a day: a whole number from 1.'
  if (whatIf.threshold_window.trim() !== '' && !SPAN.test(whatIf.threshold_window.trim())) return 'Within: a time such as 10m, 2h or 7d.'
  if (whatIf.dedup_window.trim() !== '' && !SPAN.test(whatIf.dedup_window.trim())) return 'Folded for: a time such as 60m or 24h; 0 for not at all.'
  return undefined
}

/** As a backtest asks for it, and a change of tuning sets it. */
export function sentWhatIf(whatIf: WhatIf): Pick<BacktestRequest & RuleUpdate, 'threshold' | 'policy'> {
  const [comparison, threshold, within, folded, cap] = [whatIf.comparison, whatIf.threshold, whatIf.threshold_window, whatIf.dedup_window, whatIf.daily_cap].map((text) => text.trim())
  const key = items(whatIf.dedup_key)
  const policy = {
    ...(threshold ? { threshold: Number(threshold) } : {}),
    ...(within ? { threshold_window: within } : {}),
    ...(key.length > 0 ? { dedup_key: key } : {}),
    ...(folded ? { dedup_window: folded } : {}),
    ...(cap ? { daily_cap: Number(cap) } : {}),
  }
  return { ...(comparison ? { threshold: Number(comparison) } : {}), ...(Object.keys(policy).length > 0 ? { policy } : {}) }
}

/** What holds now, to stand in the empty fields. */
export function asItIs({ rule, stated, tuning }: RuleDetail): WhatIf {
  // A tuned policy is whole: a limit that it does not name is taken away.
  const policy = tuning.policy ?? stated.policy ?? {}
  const comparison = tuning.threshold ?? stated.threshold
  return {
    comparison: isCorrelation(rule) && comparison != null ? String(comparison) : '',
    threshold: String(policy.threshold ?? 1),
    threshold_window: policy.threshold_window ?? '',
    dedup_key: (policy.dedup_key ?? []).join(', '),
    dedup_window: policy.dedup_window ?? '',
    daily_cap: policy.daily_cap == null ? '' : String(policy.daily_cap),
  }
}
