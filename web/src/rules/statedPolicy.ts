/** The firing policy that a rule's own text states, read without a YAML library: it is written on one line or as a block. */
import { documentSpans } from './problemLines'

export interface PolicyText {
  dedup_key: string
  dedup_window: string
  threshold: string
  threshold_window: string
  daily_cap: string
}

/** What holds where a rule states nothing. */
export const UNSTATED: PolicyText = { dedup_key: '', dedup_window: '60m', threshold: '1', threshold_window: '60m', daily_cap: '' }

const plain = (value: string): string => value.trim().replace(/^(['"])(.*)\1$/, '$2').trim()

const isOf = (part: string, id: string): boolean => plain(/^(?:id|name):(.*)$/m.exec(part)?.[1] ?? '') === id

/** The part of a text that is one rule's. */
export function documentOf(text: string, id: string): string {
  const lines = text.split('\n')
  const parts = documentSpans(lines).map(([from, to]) => lines.slice(from, to).join('\n'))
  return parts.find((part) => isOf(part, id)) ?? parts[0] ?? text
}

/** The line that a rule begins on in its file, counted from 1. */
export function lineOfRule(text: string, id: string): number {
  const lines = text.split('\n')
  return (documentSpans(lines).find(([from, to]) => isOf(lines.slice(from, to).join('\n'), id))?.[0] ?? 0) + 1
}

/** Text between a bracket and its partner. */
function bracketed(text: string): string | undefined {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? ''
    if ('{['.includes(sign)) depth += 1
    else if ('}]'.includes(sign)) depth -= 1
    if (depth === 0) return text.slice(1, at)
  }
  return undefined
}

/** The members of `{a: 1, b: [x, y]}` without its braces. */
function flowMembers(body: string): [string, string][] {
  return body.split(/,(?![^[]*\])/).flatMap((part) => {
    const at = part.indexOf(':')
    return at < 0 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()]]
  })
}

/** The members of a block below its name, which is indented by `indent`. */
function blockMembers(lines: readonly string[], indent: number): [string, string][] {
  const members: [string, string][] = []
  for (const line of lines) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue
    const depth = /^ */.exec(line)?.[0].length ?? 0
    const item = /^ *- +(.*)$/.exec(line)
    const last = members.at(-1)
    if (item && depth >= indent && last) {
      last[1] = `[${[...listOf(last[1]), plain(item[1] ?? '')].join(', ')}]`
      continue
    }
    if (depth <= indent) break
    const at = line.indexOf(':')
    if (at > 0) members.push([line.slice(0, at).trim(), line.slice(at + 1).trim()])
  }
  return members
}

const listOf = (value: string): string[] => value.replace(/^\[|\]$/g, '').split(',').map(plain).filter(Boolean)

export function statedPolicy(text: string, id: string): PolicyText {
  const document = documentOf(text, id)
  const found = /(^|[\s{,])policy:[ \t]*/m.exec(document)
  if (!found) return UNSTATED
  const rest = document.slice(found.index + found[0].length)
  const lineStart = document.lastIndexOf('\n', found.index + (found[1] === '\n' ? 1 : found[1]?.length ?? 0) - 1) + 1
  const indent = /^ */.exec(document.slice(lineStart))?.[0].length ?? 0
  const members = rest.startsWith('{') ? flowMembers(bracketed(rest) ?? '') : blockMembers(rest.split('\n').slice(1), indent)
  const stated = { ...UNSTATED }
  for (const [name, value] of members) {
    if (name === 'dedup_key') stated.dedup_key = listOf(value).join(', ')
    else if (name in stated) stated[name as keyof PolicyText] = plain(value.replace(/\s+#.*$/, ''))
  }
  return stated
}

/** The level that a rule's own text states. */
export function statedLevel(text: string, id: string): string | undefined {
  const value = /^level:(.*)$/m.exec(documentOf(text, id))?.[1]
  return value === undefined ? undefined : plain(value).toLowerCase()
}

/** The comparison of a correlation as its own text states it: `gte 10`. */
export function statedThreshold(text: string, id: string): { comparison: string; value: string } | undefined {
  const found = /(?:^|[\s{,])(gte|gt|lte|lt|eq|neq):\s*([\d.]+)/m.exec(documentOf(text, id).replace(/^tests:[\s\S]*/m, ''))
  return found?.[1] !== undefined && found[2] !== undefined ? { comparison: found[1], value: found[2] } : undefined
}
