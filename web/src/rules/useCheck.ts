/** What the server says of a rule's text while it is written: problems, tests, and what it finds in events. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { rules } from '../api/rules'
import type { RuleProblem, RuleSummary } from '../api/shapes'
import { useSettled } from '../ui/hooks'
import { lineProblems } from './problemLines'
import { useRules } from './queries'
import { filtersIn } from './ruleInText'
import { isFilter } from './words'

const SETTLE_MS = 350
/** Trying events is more work, and nobody reads along while they type. */
const NO_EVENTS: unknown[] = []

export function useCheck(text: string) {
  const settled = useSettled(text, SETTLE_MS)
  const check = useQuery({ queryKey: ['rule-check', settled], queryFn: ({ signal }) => rules.check(settled, NO_EVENTS, signal), enabled: settled.trim() !== '', placeholderData: keepPreviousData, retry: false, staleTime: 60_000 })
  const isCurrent = settled === text && !check.isPlaceholderData && check.data !== undefined
  const others = useRules().data?.rules ?? NO_RULES
  const problems = useMemo(() => (isCurrent ? check.data.problems.flatMap((problem) => softened(problem, others)) : NO_PROBLEMS), [isCurrent, check.data, others])
  const hasErrors = problems.some((problem) => problem.gravity === 'error')
  const rulesIn = text.trim() === '' ? 0 : (check.data?.rules.length ?? 0)
  const filters = useMemo(() => (hasErrors ? 0 : filtersIn(settled)), [hasErrors, settled])
  return {
    check: text.trim() === '' ? undefined : check.data,
    error: check.error,
    /** Asks once more, after what was a moment's trouble. */
    again: () => void check.refetch(),
    isEmpty: text.trim() === '',
    /** Whether the answer is about the text as it stands. */
    isCurrent,
    problems,
    lines: useMemo(() => lineProblems(settled, problems), [settled, problems]),
    hasErrors,
    /** Rules and filters of the text that can be used. */
    usable: { rules: rulesIn, filters },
    /** Whether the text only narrows rules that stand elsewhere, so that there is nothing to try or to run. */
    isOnlyFilter: check.data !== undefined && rulesIn === 0 && filters > 0,
  }
}

const NO_PROBLEMS: RuleProblem[] = []
const NO_RULES: RuleSummary[] = []

/** A check looks at one text alone; what that text takes from another rule of the account, or narrows of it, is no mistake. */
function softened(problem: RuleProblem, others: readonly RuleSummary[]): RuleProblem[] {
  if (problem.code === 'unused_filter') return []
  const named = problem.code === 'unknown_rule' ? /'([^']+)'/.exec(problem.message)?.[1] : undefined
  if (named === undefined || !others.some((rule) => !isFilter(rule) && (rule.id === named || rule.title === named))) return [problem]
  return [{ ...problem, gravity: 'warning', message: `'${named}' stands in another text; together they are only tried once this is saved` }]
}

export type Checked = ReturnType<typeof useCheck>
