/** The pattern of what is expected from now on, as people fill it in and as it is sent. Pure. */
import type { Insight, InsightPattern } from '../api/shapes'
import { kindNamed } from './kinds'
import { PATTERN_LABELS, type PatternField } from './words'

export interface PatternRow {
  field: PatternField
  isOn: boolean
  value: string
}

export const EXPIRIES = [['7', '7 days'], ['30', '30 days'], ['90', '90 days'], ['', 'for good']] as const
export type Expiry = (typeof EXPIRIES)[number][0]

const FIELDS = Object.keys(PATTERN_LABELS) as PatternField[]
/** Of these the service says enough, or the other end would be too narrow to be met again. */
const OFF_AT_FIRST: readonly PatternField[] = ['event_source']

/** `*` in a value stands for any text; a value that has one is met by it as well. */
export function rowsOf(insight: Insight | undefined): PatternRow[] {
  if (insight === undefined) return FIELDS.map((field) => ({ field, isOn: false, value: '' }))
  return FIELDS.flatMap((field) => {
    const value = insight[field]
    if (value === null || value === undefined || value === '') return []
    return [{ field, value, isOn: !OFF_AT_FIRST.includes(field) || (insight.event_name ?? '') === '' }]
  })
}

export function patternOf(rows: readonly PatternRow[], expiry: Expiry, now: number): InsightPattern {
  const pattern: InsightPattern = {}
  for (const { field, isOn, value } of rows) {
    const text = value.trim()
    if (!isOn || text === '') continue
    if (field === 'insight_type') {
      const kind = kindNamed(text)
      if (kind) pattern.insight_type = kind
    } else pattern[field] = text
  }
  if (expiry !== '') pattern.expires_at = new Date(now + Number(expiry) * 86_400_000).toISOString()
  return pattern
}

/** What the server would refuse. A kind alone, or a `*`, covers too much to be meant. */
export function patternProblem(rows: readonly PatternRow[]): string | undefined {
  const on = rows.filter((row) => row.isOn)
  if (on.length === 0) return 'Choose at least one thing that it must have in common.'
  const empty = on.find((row) => row.value.trim() === '')
  if (empty) return `${PATTERN_LABELS[empty.field]} has no value.`
  const narrows = on.some(({ field, value }) => field !== 'insight_type' && /[^*]/.test(value.trim()))
  return narrows ? undefined : 'That covers everything: name a region, service, action, error code, address or person. A whole kind is switched off in Settings.'
}

