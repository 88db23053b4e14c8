/** Conditions as a search says them, so that the events they are about can be looked at. */
import { exactly, quoteField } from '../query/terms'
import { items, type Condition } from './ruleForm'

/** What a wildcard may stand beside without quotes. */
const PLAIN = /^[\p{L}\p{N}_.@/#-]+$/u

function valueTerm(condition: Condition, value: string): string | undefined {
  const field = condition.field.trim()
  const around = (before: string, after: string): string | undefined => (PLAIN.test(value) && !value.startsWith('-') ? `${quoteField(field)}:${before}${value}${after}` : undefined)
  if (condition.operator === 'is') return /[*?]/.test(value) ? (PLAIN.test(value.replace(/\*/g, '')) && !value.includes('?') ? `${quoteField(field)}:${value}` : undefined) : exactly(field, value)
  if (condition.operator === 'contains') return around('*', '*')
  if (condition.operator === 'starts') return around('', '*')
  if (condition.operator === 'ends') return around('*', '')
  if (condition.operator === 'network') return /^[\da-f.:/]+$/i.test(value) ? `${quoteField(field)}:${value}` : undefined
  return undefined
}

/** Nothing where a search cannot say the same. */
export function conditionQuery(conditions: readonly Condition[]): string | undefined {
  const terms: string[] = []
  for (const condition of conditions) {
    const field = quoteField(condition.field.trim())
    const value = condition.value.trim()
    if (condition.operator === 'there') terms.push(`${field}:*`)
    else if (condition.operator === 'not-there') terms.push(`-${field}:*`)
    else if (condition.operator === 'at-least') terms.push(`${field}:>=${value}`)
    else if (condition.operator === 'at-most') terms.push(`${field}:<=${value}`)
    else {
      const all = items(value).map((one) => valueTerm(condition, one))
      if (all.length === 0 || all.includes(undefined)) return undefined
      terms.push(all.length === 1 ? (all[0] ?? '') : `(${all.join(' OR ')})`)
    }
  }
  return terms.join(' ')
}
