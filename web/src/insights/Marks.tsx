/** Marks of an insight, each an icon and a word, so that colour is never alone. */
import { CircleAlert, CircleCheck, CircleDot, Info, ThumbsUp, TriangleAlert, UserCheck } from 'lucide-react'
import type { Insight } from '../api/shapes'
import { KINDS } from './kinds'
import { isExpected } from './words'

const SEVERITIES = { critical: CircleAlert, warning: TriangleAlert, normal: Info } as const
type Severity = keyof typeof SEVERITIES

export const severityOf = (insight: Pick<Insight, 'severity'>): Severity => (insight.severity === 'critical' || insight.severity === 'warning' ? insight.severity : 'normal')

export function SeverityMark({ insight, isShort = false }: { insight: Pick<Insight, 'severity'>; isShort?: boolean }) {
  const severity = severityOf(insight)
  const Icon = SEVERITIES[severity]
  return (
    <span className={`insight-severity is-${severity}`} title={severity}>
      <Icon size={14} strokeWidth={2.3} aria-hidden />
      <span className={isShort ? 'visually-hidden' : ''}>{severity}</span>
    </span>
  )
}

export function KindMark({ kind }: { kind: Insight['insight_type'] }) {
  const { title, what, Icon } = KINDS[kind]
  return (
    <span className="insight-kind" title={what}>
      <Icon size={13} aria-hidden />
      {title}
    </span>
  )
}

export function StateMark({ state }: { state: Insight['state'] }) {
  const Icon = state === 'open' ? CircleDot : CircleCheck
  return (
    <span className={`status-mark status-${state === 'open' ? 'open' : 'resolved'}`}>
      <Icon size={13} strokeWidth={2.3} aria-hidden />
      {state === 'open' ? 'goes on' : 'over'}
    </span>
  )
}

export function VerdictMark({ insight }: { insight: Insight }) {
  if (isExpected(insight)) {
    return (
      <span className="tag with-icon" title={insight.verdict_reason ?? 'A pattern says that it is expected'}>
        <UserCheck size={11} aria-hidden /> expected
      </span>
    )
  }
  if (insight.verdict === 'useful') {
    return (
      <span className="tag tag-good with-icon" title={insight.verdict_reason ?? undefined}>
        <ThumbsUp size={11} aria-hidden /> useful
      </span>
    )
  }
  return null
}
