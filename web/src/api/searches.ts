/** Alerts on searches, presets, and what a search found lately. */
import { http, take } from './http'
import type { SearchAlert, SearchAlertWrite, TellingPreset, TellingPresetWrite, TriggerInterval } from './shapes'

const of = (id: string) => ({ params: { path: { id } } })
const background = (isBackground: boolean) => (isBackground ? { headers: { 'x-whodid-background': 'true' } } : {})

/** What of a search alert says which events it is about. */
export type Watched = Pick<SearchAlertWrite, 'q' | 'stream' | 'space' | 'region'>

export const searches = {
  list: (isBackground: boolean, signal: AbortSignal): Promise<SearchAlert[]> => take(http.GET('/api/v1/search-alerts', { ...background(isBackground), signal })).then((answer) => answer.search_alerts),
  create: (body: SearchAlertWrite): Promise<SearchAlert> => take(http.POST('/api/v1/search-alerts', { body }), body.q),
  update: (id: string, body: SearchAlertWrite): Promise<SearchAlert> => take(http.PATCH('/api/v1/search-alerts/{id}', { ...of(id), body }), body.q),
  delete: (id: string) => take(http.DELETE('/api/v1/search-alerts/{id}', of(id))),

  presets: (signal: AbortSignal): Promise<TellingPreset[]> => take(http.GET('/api/v1/presets', { signal })).then((answer) => answer.presets),
  createPreset: (body: TellingPresetWrite): Promise<TellingPreset> => take(http.POST('/api/v1/presets', { body })),
  updatePreset: (id: string, body: TellingPresetWrite): Promise<TellingPreset> => take(http.PATCH('/api/v1/presets/{id}', { ...of(id), body })),
  deletePreset: (id: string) => take(http.DELETE('/api/v1/presets/{id}', of(id))),

  /** Events of the last 24 hours that match. */
  countLately: ({ q, ...where }: Watched, signal: AbortSignal): Promise<number> =>
    take(http.GET('/api/v1/events/count', { params: { query: { ...where, ...(q === '' ? {} : { q }), from: 'now-24h' } }, signal }), q).then((answer) => answer.count),
  /** The same by window; the first and the last are not whole. */
  windowsLately: ({ q, ...where }: Watched, interval: TriggerInterval, signal: AbortSignal): Promise<number[]> =>
    take(http.GET('/api/v1/events/histogram', { params: { query: { ...where, ...(q === '' ? {} : { q }), from: 'now-24h', interval, by: 'result' } }, signal }), q).then((answer) =>
      answer.buckets.map((bucket) => Object.values(bucket.counts).reduce((sum, one) => sum + one, bucket.other)),
    ),
}
