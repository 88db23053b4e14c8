import { visible } from '../activity/event'
import type { InsightPattern } from '../api/shapes'
import { KINDS, kindNamed } from './kinds'
import { PATTERN_LABELS, patternRows } from './words'

/** What insights have in common, part by part. */
export function PatternWords({ pattern }: { pattern: InsightPattern }) {
  const rows = patternRows(pattern)
  if (rows.length === 0) return <strong>every insight</strong>
  return (
    <ul className="pattern-words">
      {rows.map(([field, value]) => {
        const kind = field === 'insight_type' ? kindNamed(value) : undefined
        return (
          <li key={field}>
            <span className="muted small">{PATTERN_LABELS[field].toLowerCase()}</span> {kind ? KINDS[kind].title : <span className="mono">{visible(value)}</span>}
          </li>
        )
      })}
    </ul>
  )
}
