/** Searching and following events. Answers are typed by the contract; failures are `Problem`s. */
import { withLogs, type SentQuery } from '../query/logs'
import { http, searchText, take } from './http'
import type { Around, AuditEvent, EventDetail, EventPage, ExportFormat, Facet, FieldInfo, Filter, Histogram, RejectPage, Status } from './shapes'

/** What goes over the wire of a filter, and its text for placing mistakes. The only place that joins the two. */
function sent<T extends Filter>({ logs, q, ...options }: T) {
  const text: SentQuery = withLogs(q ?? '', logs)
  return { query: { ...options, q: text.text === '' ? undefined : text.text }, text }
}

export interface ListOptions extends Filter {
  order?: 'desc' | 'asc' | undefined
  cursor?: string | undefined
  limit?: number
}

export const api = {
  events: (options: ListOptions, signal: AbortSignal): Promise<EventPage> => {
    const { query, text } = sent(options)
    return take(http.GET('/api/v1/events', { params: { query }, signal }), text.text, text.begins)
  },
  event: (id: string, signal: AbortSignal): Promise<EventDetail> => take(http.GET('/api/v1/events/{id}', { params: { path: { id } }, signal })),
  around: (id: string, count: number, signal: AbortSignal): Promise<Around> =>
    take(http.GET('/api/v1/events/{id}/around', { params: { path: { id }, query: { count } }, signal })),
  count: (filter: Filter, signal: AbortSignal): Promise<number> => {
    const { query, text } = sent(filter)
    return take(http.GET('/api/v1/events/count', { params: { query }, signal }), text.text, text.begins).then((answer) => answer.count)
  },
  histogram: (filter: Filter, signal: AbortSignal): Promise<Histogram> => {
    const { query, text } = sent(filter)
    return take(http.GET('/api/v1/events/histogram', { params: { query: { ...query, interval: 'auto', by: 'result' } }, signal }), text.text, text.begins)
  },
  /** By hours, of so many days as are fewer than a thousand of them. */
  hours: (filter: Filter, signal: AbortSignal): Promise<Histogram> => {
    const { query, text } = sent(filter)
    return take(http.GET('/api/v1/events/histogram', { params: { query: { ...query, interval: '1h', by: 'result' } }, signal }), text.text, text.begins)
  },
  top: (filter: Filter & { field: string; prefix?: string; limit?: number }, signal: AbortSignal): Promise<Facet> => {
    const { query, text } = sent(filter)
    return take(http.GET('/api/v1/events/top', { params: { query }, signal }), text.text, text.begins)
  },
  facets: (filter: Filter & { field: string[]; limit?: number }, signal: AbortSignal): Promise<Facet[]> => {
    const { query, text } = sent(filter)
    return take(http.GET('/api/v1/events/facets', { params: { query }, signal }), text.text, text.begins).then((answer) => answer.facets)
  },
  fields: (prefix: string, signal: AbortSignal): Promise<FieldInfo[]> =>
    take(http.GET('/api/v1/events/fields', { params: { query: prefix === '' ? {} : { prefix } }, signal })).then((answer) => answer.fields),
  check: (q: string, signal: AbortSignal): Promise<{ ok: boolean; canonical: string }> => take(http.GET('/api/v1/query/check', { params: { query: { q } }, signal }), q),
  rejects: (options: { cursor?: string | undefined; limit: number; code?: string | undefined }, signal: AbortSignal): Promise<RejectPage> =>
    take(http.GET('/api/v1/rejects', { params: { query: options }, signal })),
  rejectsSummary: (signal: AbortSignal): Promise<{ total: number; codes: { code: string; count: number }[] }> => take(http.GET('/api/v1/rejects/summary', { signal })),
  status: (signal: AbortSignal): Promise<Status> => take(http.GET('/api/v1/status', { signal })),
}

/** Address of a download of every matching row. The browser streams it to disk itself. */
export function exportAddress(options: Filter & { format: ExportFormat; columns?: string; order?: string }): string {
  return `/api/v1/export${searchText({ ...sent(options).query })}`
}

export interface TailHandlers {
  onEvent: (event: AuditEvent) => void
  onLagged: (dropped: number) => void
  /** `again`: opened anew, without what came in between. */
  onState: (state: 'open' | 'again' | 'waiting') => void
}

const RETRY_MS = 3000

/** Follows new events that match. Returns the function that stops. Connects again by itself. */
export function followTail(filter: Filter, handlers: TailHandlers): () => void {
  const { q, stream } = sent(filter).query
  const address = `/api/v1/events/tail${searchText({ q, stream })}`
  let source: EventSource | undefined
  let retry = 0
  let lost = false
  const connect = (): void => {
    source = new EventSource(address)
    source.addEventListener('open', () => {
      handlers.onState(lost ? 'again' : 'open')
      lost = false
    })
    source.addEventListener('error', () => {
      handlers.onState('waiting')
      // The browser tries again after a broken line, but gives up after an answer that is no stream.
      if (source?.readyState !== EventSource.CLOSED) return
      lost = true
      retry = window.setTimeout(connect, RETRY_MS)
    })
    source.addEventListener('event', (message: MessageEvent<string>) => handlers.onEvent(JSON.parse(message.data) as AuditEvent))
    source.addEventListener('lagged', (message: MessageEvent<string>) => handlers.onLagged((JSON.parse(message.data) as { dropped: number }).dropped))
  }
  connect()
  return () => {
    clearTimeout(retry)
    source?.close()
  }
}
