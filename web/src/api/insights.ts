/** Insights: what departs from what is usual, what people said of it, and how insights are made. */
import { http, take } from './http'
import type { paths } from './schema'
import type { ExpectedCreate, ExpectedInsight, ExpectedPreview, Insight, InsightFeedback, InsightPage, InsightPattern, InsightSeries, InsightSettings, InsightStatus } from './shapes'

export type InsightQuery = Omit<NonNullable<paths['/api/v1/insights']['get']['parameters']['query']>, 'account' | 'form'>
/** Forms of those whose insights these are like. */
export type VendorForm = Exclude<NonNullable<paths['/api/v1/insights']['get']['parameters']['query']>['form'], undefined | 'whodid'>
export type SeriesQuery = Omit<NonNullable<paths['/api/v1/insights/{id}/series']['get']['parameters']['query']>, 'account'>

const of = (id: string) => ({ params: { path: { id } } })
/** The page asks again by itself: that keeps no session alive. */
const background = (isBackground: boolean) => (isBackground ? { headers: { 'x-whodid-background': 'true' } } : {})

export const insights = {
  list: (query: InsightQuery, isBackground: boolean, signal: AbortSignal): Promise<InsightPage> => take(http.GET('/api/v1/insights', { params: { query }, ...background(isBackground), signal })),
  /** The events that tell of one, as its vendor writes them. */
  inForm: (form: VendorForm, id: string, from: string, signal: AbortSignal): Promise<unknown[]> => take(http.GET('/api/v1/insights', { params: { query: { form, event_id: id, expected: true, from } }, signal })).then((page): unknown[] => page.insights),
  get: (id: string, isBackground: boolean, signal: AbortSignal): Promise<Insight> => take(http.GET('/api/v1/insights/{id}', { ...of(id), ...background(isBackground), signal })),
  series: (id: string, query: SeriesQuery, signal: AbortSignal): Promise<InsightSeries> => take(http.GET('/api/v1/insights/{id}/series', { params: { path: { id }, query }, signal })),
  say: (id: string, body: InsightFeedback): Promise<Insight> => take(http.PUT('/api/v1/insights/{id}/feedback', { ...of(id), body })),

  status: (isBackground: boolean, signal: AbortSignal): Promise<InsightStatus> => take(http.GET('/api/v1/insights/status', { ...background(isBackground), signal })),
  settings: (body: InsightSettings): Promise<InsightStatus> => take(http.PUT('/api/v1/insights/settings', { body })),

  expected: (signal: AbortSignal): Promise<ExpectedInsight[]> => take(http.GET('/api/v1/insights/expected', { signal })).then((answer) => answer.expected),
  expect: (body: ExpectedCreate): Promise<ExpectedInsight> => take(http.POST('/api/v1/insights/expected', { body })),
  preview: (body: InsightPattern, signal: AbortSignal): Promise<ExpectedPreview> => take(http.POST('/api/v1/insights/expected/preview', { body, signal })),
  unexpect: (id: string) => take(http.DELETE('/api/v1/insights/expected/{id}', of(id))),
}
