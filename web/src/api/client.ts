/** The one place that talks to the server. Answers are typed by the contract; failures are `Problem`s. */
import createClient from 'openapi-fetch'
import { Problem } from './problem'
import type { paths } from './schema'
import type { Around, AuditEvent, EventDetail, EventPage, ExportFormat, Facet, FieldInfo, Filter, Histogram, Key, Me, RejectPage, Status } from './shapes'

const http = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: 'same-origin',
  headers: { accept: 'application/json' },
  // Looked up at each call, so that tests can stand in for the network.
  fetch: (request) => window.fetch(request),
  querySerializer: { array: { style: 'form', explode: true } },
})

interface Answered<T> {
  data?: T | undefined
  error?: unknown
  response: Response
}

async function take<T>(call: Promise<Answered<T>>, query = ''): Promise<T> {
  let answer: Answered<T>
  try {
    answer = await call
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new Problem(0, { detail: 'Check that whodid is running and that this machine can reach it.' })
  }
  if (!answer.response.ok) throw new Problem(answer.response.status, answer.error, query)
  return answer.data as T
}

export interface ListOptions extends Filter {
  order?: 'desc' | 'asc' | undefined
  cursor?: string | undefined
  limit?: number
}

export const api = {
  events: (options: ListOptions, signal: AbortSignal): Promise<EventPage> => take(http.GET('/api/v1/events', { params: { query: options }, signal }), options.q),
  event: (id: string, signal: AbortSignal): Promise<EventDetail> => take(http.GET('/api/v1/events/{id}', { params: { path: { id } }, signal })),
  around: (id: string, count: number, signal: AbortSignal): Promise<Around> =>
    take(http.GET('/api/v1/events/{id}/around', { params: { path: { id }, query: { count } }, signal })),
  count: (filter: Filter, signal: AbortSignal): Promise<number> =>
    take(http.GET('/api/v1/events/count', { params: { query: filter }, signal }), filter.q).then((answer) => answer.count),
  histogram: (filter: Filter, signal: AbortSignal): Promise<Histogram> =>
    take(http.GET('/api/v1/events/histogram', { params: { query: { ...filter, interval: 'auto', by: 'result' } }, signal }), filter.q),
  top: (filter: Filter & { field: string; prefix?: string; limit?: number }, signal: AbortSignal): Promise<Facet> =>
    take(http.GET('/api/v1/events/top', { params: { query: filter }, signal }), filter.q),
  facets: (filter: Filter & { field: string[]; limit?: number }, signal: AbortSignal): Promise<Facet[]> =>
    take(http.GET('/api/v1/events/facets', { params: { query: filter }, signal }), filter.q).then((answer) => answer.facets),
  fields: (prefix: string, signal: AbortSignal): Promise<FieldInfo[]> =>
    take(http.GET('/api/v1/events/fields', { params: { query: prefix === '' ? {} : { prefix } }, signal })).then((answer) => answer.fields),
  check: (q: string, signal: AbortSignal): Promise<{ ok: boolean; canonical: string }> => take(http.GET('/api/v1/query/check', { params: { query: { q } }, signal }), q),
  rejects: (options: { cursor?: string | undefined; limit: number; code?: string | undefined }, signal: AbortSignal): Promise<RejectPage> =>
    take(http.GET('/api/v1/rejects', { params: { query: options }, signal })),
  rejectsSummary: (signal: AbortSignal): Promise<{ total: number; codes: { code: string; count: number }[] }> => take(http.GET('/api/v1/rejects/summary', { signal })),
  status: (signal: AbortSignal): Promise<Status> => take(http.GET('/api/v1/status', { signal })),
  me: (signal: AbortSignal): Promise<Me> => take(http.GET('/api/v1/me', { signal })),
  keys: (signal: AbortSignal): Promise<Key[]> => take(http.GET('/api/v1/keys', { signal })).then((answer) => answer.keys),
  createKey: (kind: 'ingestion' | 'service', name: string) => take(http.POST('/api/v1/keys', { body: { kind, name } })),
  revokeKey: (id: string) => take(http.DELETE('/api/v1/keys/{id}', { params: { path: { id } } })),
  signIn: (token: string) => take(http.POST('/api/v1/sessions', { body: { token } })),
  signOut: () => take(http.DELETE('/api/v1/sessions/current')),
}

function searchText(values: Record<string, string | undefined>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') search.set(name, value)
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

/** Address of a download of every matching row. The browser streams it to disk itself. */
export function exportAddress(options: Filter & { format: ExportFormat; columns?: string; order?: string }): string {
  return `/api/v1/export${searchText({ ...options })}`
}

export interface TailHandlers {
  onEvent: (event: AuditEvent) => void
  onLagged: (dropped: number) => void
  /** `again`: opened anew, without what came in between. */
  onState: (state: 'open' | 'again' | 'waiting') => void
}

const RETRY_MS = 3000

/** Follows new events that match. Returns the function that stops. Connects again by itself. */
export function followTail(q: string | undefined, handlers: TailHandlers): () => void {
  let source: EventSource | undefined
  let retry = 0
  let lost = false
  const connect = (): void => {
    source = new EventSource(`/api/v1/events/tail${searchText({ q })}`)
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
