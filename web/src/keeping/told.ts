/** What was done about stored events, as its History says it: which days, whose, how many. */
import { resultOf } from '../activity/event'
import type { ChangedRow } from '../audit/delta'
import { changedRows, deltaOf, membersOf } from '../audit/delta'
import type { AuditEvent } from '../api/shapes'
import { bytes, events } from '../ui/number'
import { daysText, hourText } from './span'

/** Everything about it in the audit log. The beginnings of downloads say nothing that their ends do not. */
export const KEEPING_HISTORY =
  'action:==[whodid.event.delete,whodid.retention.update,whodid.download-session.create,whodid.download-session.delete] OR (action:==whodid.event.export requestData.view:==download -outcome:==pending)'

export interface Told {
  sentence: string
  changes: ChangedRow[]
}

export const keptText = (days: number): string => (days < 0 ? 'for ever' : days === 1 ? 'one day' : `${days.toLocaleString('en-US')} days`)

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

/** The days, the hour and whose, out of what was asked for. */
function spanText(asked: Record<string, unknown>): string {
  const [from, to, hour, space] = [text(asked.from), text(asked.to), number(asked.hour), text(asked.space)]
  const parts = [from !== undefined && to !== undefined ? `of ${daysText(from, to)}` : '', hour === undefined ? '' : hourText(hour), space !== undefined ? `in space ${space}` : asked.account_level === true ? 'of the account itself' : '']
  return parts.filter(Boolean).join(', ').replace(', in space', ' in space').replace(', of the account', ' of the account')
}

/** What a download session was made for: the new or the last values of its delta. */
function ofDelta(delta: unknown[] | undefined): Record<string, unknown> {
  const named: Record<string, string> = { '/from_day': 'from', '/to_day': 'to', '/search_hour': 'hour', '/space': 'space', '/account_level': 'account_level' }
  const found: Record<string, unknown> = {}
  for (const step of delta ?? []) {
    const { path, value } = (step ?? {}) as { path?: unknown; value?: unknown }
    const name = typeof path === 'string' ? named[path] : undefined
    if (name !== undefined && value !== undefined) found[name] = value
  }
  return found
}

/** Undefined where the record's own sentence says enough. */
export function toldOf(event: AuditEvent): Told | undefined {
  const who = event.initiator?.name ?? event.initiator?.id ?? 'somebody'
  const request = membersOf(event.requestData)
  // What was refused has under `asked` what was asked for.
  const [asked, answered, result] = [{ ...membersOf(request.asked), ...request }, membersOf(event.responseData), resultOf(event)]
  const said = (done: string, begun: string, tried: string): string => (result === 'success' ? `${who} ${done}` : result === 'pending' ? `${who} began to ${begun}` : `${who} tried to ${tried}`)
  const rows = number(answered.rows)
  const span = spanText(asked)
  switch (event.action) {
    case 'whodid.event.delete': {
      const [some, freed] = [rows === undefined ? 'events' : events(rows), number(answered.bytes)]
      return { sentence: `${said(`removed ${some}`, 'remove events', 'remove events')} ${span}${freed === undefined ? '' : `; ${bytes(freed)} freed`}`.trimEnd(), changes: [] }
    }
    case 'whodid.event.export':
      return { sentence: `${said(`downloaded ${rows === undefined ? 'events' : events(rows)}`, 'download events', 'download events')} ${span}`.trimEnd(), changes: [] }
    case 'whodid.download-session.create':
    case 'whodid.download-session.delete': {
      const [done, tried] = event.action.endsWith('create') ? ['made', 'make'] : ['deleted', 'delete']
      return { sentence: `${said(`${done} a download`, `${tried} a download`, `${tried} a download`)} ${spanText({ ...asked, ...ofDelta(deltaOf(event)) })}`.trimEnd(), changes: [] }
    }
    case 'whodid.retention.update': {
      const space = text(asked.space)
      const changes = changedRows(deltaOf(event) ?? []).map(({ before, after, ...row }) => ({ ...row, path: 'kept for', ...(before === undefined ? {} : { before: keptText(Number(before)) }), ...(after === undefined ? {} : { after: keptText(Number(after)) }) }))
      return { sentence: `${said('set', 'set', 'set')} how long events ${space === undefined ? 'of the account' : `of space ${space}`} are to be kept`, changes }
    }
    default:
      return undefined
  }
}
