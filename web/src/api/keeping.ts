/** Stored events by day: counting them, how long they are to be kept, taking them away, removing them. */
import { http, searchText, take } from './http'
import type { Day, DownloadCreate, DownloadSession, Erased, Retention, RetentionUpdate } from './shapes'

/** Which days, and whose events of then. */
export interface SentSpan {
  from: string
  to: string
  hour?: number
  space?: string
  account_level?: boolean
}

const of = (id: string) => ({ params: { path: { id } } })

export const keeping = {
  days: (query: SentSpan, signal: AbortSignal): Promise<Day[]> => take(http.GET('/api/v1/days', { params: { query }, signal })).then((answer) => answer.days),
  erase: (query: SentSpan): Promise<Erased> => take(http.DELETE('/api/v1/events', { params: { query } })),
  retention: (signal: AbortSignal): Promise<Retention[]> => take(http.GET('/api/v1/retention', { signal })).then((answer) => answer.retention),
  setRetention: (body: RetentionUpdate): Promise<Retention> => take(http.PATCH('/api/v1/retention', { body })),
  downloads: (signal: AbortSignal): Promise<DownloadSession[]> => take(http.GET('/api/v1/downloads', { signal })).then((answer) => answer.sessions),
  createDownload: (body: DownloadCreate): Promise<DownloadSession> => 
    // What has a default may be left away, which the generated type does not know.
    take(http.POST('/api/v1/downloads', { body: body as Required<DownloadCreate> })),
  deleteDownload: (id: string) => take(http.DELETE('/api/v1/downloads/{id}', of(id))),
}

/** Address of a session's events, which the browser streams to disk itself. */
export const downloadAddress = (id: string): string => `/api/v1/downloads/${encodeURIComponent(id)}/content${searchText({})}`
