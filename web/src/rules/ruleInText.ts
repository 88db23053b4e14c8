/** Which part of a text is one rule's, read without a YAML library. */
import { documentSpans } from './problemLines'

const plain = (value: string): string => value.trim().replace(/^(['"])(.*)\1$/, '$2').trim()

const isOf = (part: string, id: string): boolean => plain(/^(?:id|name):(.*)$/m.exec(part)?.[1] ?? '') === id

/** The part of a text that is one rule's. */
export function documentOf(text: string, id: string): string {
  const lines = text.split('\n')
  const parts = documentSpans(lines).map(([from, to]) => lines.slice(from, to).join('\n'))
  return parts.find((part) => isOf(part, id)) ?? parts[0] ?? text
}

/** How many filters a text has. The server tells of a text only which rules are in it. */
export function filtersIn(text: string): number {
  const lines = text.split('\n')
  return documentSpans(lines).filter(([from, to]) => lines.slice(from, to).some((line) => /^["']?filter["']?\s*:/.test(line))).length
}

/** The line that a rule begins on in its file, counted from 1. */
export function lineOfRule(text: string, id: string): number {
  const lines = text.split('\n')
  return (documentSpans(lines).find(([from, to]) => isOf(lines.slice(from, to).join('\n'), id))?.[0] ?? 0) + 1
}
