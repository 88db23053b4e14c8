import { documentOf } from './ruleInText'

/**
 * The field whose values a backtest counts as who did it. Where a rule fires because time passes there is no event of
 * that moment, and what is counted is the first value by which it groups.
 */
export function actorField(text: string, id: string): string {
  const document = documentOf(text, id)
  if (!/^\s+type:\s*['"]?(absence|silence)\b/m.test(document)) return 'initiator.name'
  return /^\s+group-by:[ \t]*(?:\[|\n\s*-)?\s*['"]?([^\s'",\]]+)/m.exec(document)?.[1] ?? 'initiator.name'
}
