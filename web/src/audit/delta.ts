/** What an audit event says changed: its JSON Patch as rows of before and after. */
import { parseJson } from '../activity/event'
import type { AuditEvent } from '../api/shapes'

export interface ChangedRow {
  /** Where, in words: `scope › sources`. */
  path: string
  change: 'added' | 'removed' | 'changed'
  before?: string
  after?: string
}

interface Step {
  op: string
  path: string
  from?: string
  value?: unknown
}

function entered(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return parseJson(value)
  } catch {
    return value
  }
}

/** What was asked or answered, by name; nothing where it is no object. */
export function membersOf(data: unknown): Record<string, unknown> {
  const found = entered(data)
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Record<string, unknown>) : {}
}

/** The event's patch; undefined where it has none. */
export function deltaOf(event: Pick<AuditEvent, 'requestData'>): unknown[] | undefined {
  const delta = entered(membersOf(event.requestData).delta)
  return Array.isArray(delta) && delta.length > 0 ? (delta as unknown[]) : undefined
}

function isStep(step: unknown): step is Step {
  return typeof step === 'object' && step !== null && typeof (step as Step).op === 'string' && typeof (step as Step).path === 'string'
}

/** Names of settings as people say them; of lists without the place in them. */
export function pathText(path: string): string {
  const parts = path.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (parts.length > 1 && /^(\d+|-)$/.test(parts.at(-1) ?? '')) parts.pop()
  return parts.length === 0 || parts.join('') === '' ? 'everything' : parts.map((part) => part.replaceAll('_', ' ')).join(' › ')
}

export function valueText(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'nothing'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(valueText).join(', ')
  const members = Object.entries(value as Record<string, unknown>)
  return members.length === 0 ? 'nothing' : members.map(([name, item]) => `${name.replaceAll('_', ' ')}: ${valueText(item)}`).join('; ')
}

/** Rows in the patch's order. A `test` before a step carries the old value. */
export function changedRows(patch: unknown[]): ChangedRow[] {
  const before = new Map<string, unknown>()
  const rows: ChangedRow[] = []
  for (const step of patch) {
    if (!isStep(step)) continue
    const path = pathText(step.path)
    const old = before.has(step.path) ? { before: valueText(before.get(step.path)) } : {}
    switch (step.op) {
      case 'test':
        before.set(step.path, step.value)
        break
      case 'add':
        rows.push({ path, change: 'added', after: valueText(step.value) })
        break
      case 'replace':
        rows.push({ path, change: 'changed', ...old, after: valueText(step.value) })
        before.delete(step.path)
        break
      case 'remove':
        rows.push({ path, change: 'removed', ...old })
        before.delete(step.path)
        break
      case 'move':
        rows.push({ path, change: 'changed', before: pathText(step.from ?? ''), after: path })
        break
      default:
        break
    }
  }
  return rows
}
