/** The shapes pages work with, named after the contract's words and taken from its paths. */
import type { paths } from './schema'

type Answer<Path extends keyof paths> = paths[Path] extends { get: { responses: { 200: { content: { 'application/json': infer T } } } } } ? T : never

export type EventPage = Answer<'/api/v1/events'>
export type AuditEvent = EventPage['events'][number]
export type EventDetail = Answer<'/api/v1/events/{id}'>
export type Around = Answer<'/api/v1/events/{id}/around'>
export type Histogram = Answer<'/api/v1/events/histogram'>
export type Facet = Answer<'/api/v1/events/top'>
export type FieldInfo = Answer<'/api/v1/events/fields'>['fields'][number]
export type RejectPage = Answer<'/api/v1/rejects'>
export type Related = EventDetail['related'][number]
export type Reject = RejectPage['rejects'][number]
export type ExportFormat = NonNullable<NonNullable<paths['/api/v1/export']['get']['parameters']['query']>['format']>
export type Status = Answer<'/api/v1/status'>
export type Me = Answer<'/api/v1/me'>
export type Key = Answer<'/api/v1/keys'>['keys'][number]

/** What limits a search: its text and its time range, as the URL has them. */
export interface Filter {
  q?: string | undefined
  from?: string | undefined
  to?: string | undefined
}
