/** Reading one event: its result, the value of any field or path, and its parts in rows. */
import { accountOfAddress } from '../api/account'
import type { AuditEvent } from '../api/shapes'
import { exactly, join, withoutField } from '../query/terms'

/** How an event ended, with refusals told apart from other failures: the field `result`. */
export const RESULTS = ['success', 'failure', 'denied', 'pending', 'unknown'] as const
export type Result = (typeof RESULTS)[number]

export function resultOf(event: { record: Pick<AuditEvent['record'], 'result'> }): Result {
  return RESULTS.find((result) => result === event.record.result) ?? 'unknown'
}

/** The query narrowed to one result, so that a count in the legend leads to just its events. */
export function withResult(query: string, result: Result): string {
  return join(withoutField(withoutField(query, 'result'), 'outcome'), exactly('result', result))
}

const RECORD_FIELDS: Record<string, keyof AuditEvent['record']> = {
  access: 'access', result: 'result', service: 'service', app: 'app', region: 'region', source: 'source', space: 'space', stream: 'stream', offset: 'offset', recorded_at: 'recorded_at',
  'record.access': 'access', 'record.result': 'result', 'record.region': 'region',
}

/** The paths that the API writes at the top of every event, whatever its source. */
export const MODEL_FIELDS: readonly string[] = [
  'eventTime', 'action', 'outcome', 'severity', 'message', 'initiator.name', 'initiator.id', 'initiator.typeURI', 'initiator.host.address', 'initiator.host.agent',
  'initiator.credential.type', 'initiator.credential.id', 'target.name', 'target.typeURI', 'target.id', 'observer.name', 'reason.reasonCode', 'reason.reasonType',
  'reason.reasonForFailure', 'cadf.action', 'correlationId', 'id', 'requestData', 'responseData',
]
const MODEL = new Set(MODEL_FIELDS)

/** A whole number too large for the browser stays as it is written, so that a filter or copy of it is right. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => (Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source !== undefined ? context.source : value)) as unknown
}

const parsed = new WeakMap<AuditEvent, unknown>()

export function rawValue(event: AuditEvent): unknown {
  if (parsed.has(event)) return parsed.get(event)
  let value: unknown
  try {
    value = parseJson(event.raw)
  } catch {
    value = undefined
  }
  parsed.set(event, value)
  return value
}

/** Walks a dotted path; an array answers with its first element that has it; JSON inside strings is entered. */
function walk(value: unknown, path: string[]): unknown {
  if (path.length === 0) return value
  if (typeof value === 'string' && /^\s*[[{]/.test(value)) {
    try {
      return walk(parseJson(value), path)
    } catch {
      return undefined
    }
  }
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = walk(item, path)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const members = value as Record<string, unknown>
  // Keys may hold dots themselves (`k8s.io/name`), so the longest key is tried first.
  for (let length = path.length; length > 0; length -= 1) {
    const key = path.slice(0, length).join('.')
    if (Object.hasOwn(members, key)) {
      const found = walk(members[key], path.slice(length))
      if (found !== undefined) return found
    }
  }
  return undefined
}

export function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return JSON.stringify(value)
}

/** The text of a field or raw path in an event, or undefined where the event has none. */
export function valueAt(event: AuditEvent, field: string): string | undefined {
  const record = RECORD_FIELDS[field]
  if (record) return textOf(event.record[record])
  if (field.startsWith('raw.')) return textOf(walk(rawValue(event), field.slice(4).split('.')))
  if (MODEL.has(field)) return textOf(walk(event, field.split('.')))
  return textOf(walk(rawValue(event), field.split('.')) ?? walk(event, field.split('.')))
}

export interface FieldRow {
  /** As a search names it. */
  field: string
  value: string
}

/** The event's modelled values, in reading order. */
export function modelRows(event: AuditEvent): FieldRow[] {
  return [...MODEL_FIELDS, 'service', 'app', 'region', 'access', 'result'].flatMap((field) => {
    const value = valueAt(event, field)
    return value === undefined ? [] : [{ field, value }]
  })
}

/** Every leaf of the event as received. Names that the model also uses get `raw.`, which means the received text. */
export function rawRows(event: AuditEvent): FieldRow[] {
  const rows: FieldRow[] = []
  const sameNames = event.record.source === 'cadf' || event.record.source === 'ibm-at'
  const visit = (value: unknown, path: string): void => {
    if (rows.length >= 1000) return
    if (typeof value === 'string' && /^\s*[[{]/.test(value)) {
      try {
        visit(parseJson(value), path)
        return
      } catch {
        // Only looked like JSON.
      }
    }
    if (Array.isArray(value)) for (const item of value) visit(item, path)
    else if (typeof value === 'object' && value !== null) for (const [key, item] of Object.entries(value)) visit(item, path === '' ? key : `${path}.${key}`)
    else {
      const text = textOf(value)
      if (text !== undefined && path !== '') rows.push({ field: !sameNames && (MODEL.has(path) || path in RECORD_FIELDS) ? `raw.${path}` : path, value: text })
    }
  }
  visit(rawValue(event), '')
  return sameNames ? rows.filter((row) => !MODEL.has(row.field)) : rows
}

/** Signs that turn the direction of the text around them are written out: a name must not disguise its sentence. */
export function visible(text: string): string {
  return text.replace(/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, (sign) => `[U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`)
}

/** The insight that an event of the stream of insights tells of. */
export function insightOf({ record, target }: Pick<AuditEvent, 'record' | 'target'>): string | undefined {
  return record.stream === 'insights' && target?.typeURI === 'whodid/insight' ? target.id : undefined
}

/** An event in one sentence: of an insight and of a finding their own; of a finding it says what was found, by a rule or by who reported it. */
export function sentenceOf(event: AuditEvent): string {
  if (event.record.stream === 'insights') return event.message ?? event.record.summary
  if (event.record.stream !== 'findings') return event.record.summary
  return valueAt(event, 'requestData.sentence') ?? event.message ?? event.record.summary
}

/** Long ids lose their middle, where they differ least. */
export function shorten(whole: string, length = 32): string {
  const text = visible(whole)
  if (text.length <= length) return text
  const head = Math.ceil((length - 1) * 0.6)
  // Half of a sign that takes two places is left away.
  return `${text.slice(0, head).replace(/[\uD800-\uDBFF]$/, '')}…${text.slice(text.length - (length - 1 - head)).replace(/^[\uDC00-\uDFFF]/, '')}`
}

export function permalink(event: AuditEvent): string {
  const account = accountOfAddress()
  const stream = event.record.stream === 'findings' || event.record.stream === 'insights' ? `&stream=${event.record.stream}` : ''
  return `${window.location.origin}${event.record.stream === 'audit' ? '/audit' : '/activity'}?event=${event.record.id}${stream}${account === undefined ? '' : `&account=${encodeURIComponent(account)}`}`
}
