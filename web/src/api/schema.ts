/**
 * The HTTP contract in openapi-typescript's form. `npm run api` writes this file from
 * ../openapi.json; until then it is kept by hand. Nothing but `client.ts` and `shapes.ts` imports it.
 */

type Json<T> = { headers: Record<string, unknown>; content: { 'application/json': T } }
type Empty = { headers: Record<string, unknown>; content?: never }
type Failed = { headers: Record<string, unknown>; content: { 'application/problem+json': components['schemas']['Problem'] } }
type Get<Query, Answer, Path = never> = {
  parameters: { query?: Query; header?: never; path?: never; cookie?: never } & ([Path] extends [never] ? unknown : { path: Path })
  get: {
    parameters: { query?: Query; header?: never; cookie?: never } & ([Path] extends [never] ? { path?: never } : { path: Path })
    requestBody?: never
    responses: { 200: Json<Answer>; default: Failed }
  }
}

interface Scope {
  stream?: string
  space?: string
  region?: string
  account?: string
}
interface Filter extends Scope {
  q?: string
  from?: string
  to?: string
}
interface Page extends Filter {
  limit?: number
  cursor?: string
  order?: 'desc' | 'asc'
}

export interface paths {
  '/api/v1/events': Get<Page, components['schemas']['EventPage']>
  '/api/v1/events/{id}': Get<Scope, components['schemas']['EventWithRelated'], { id: string }>
  '/api/v1/events/{id}/around': Get<Scope & { count?: number }, components['schemas']['Around'], { id: string }>
  '/api/v1/events/count': Get<Filter, { count: number }>
  '/api/v1/events/histogram': Get<Filter & { interval?: string; by?: string }, components['schemas']['Histogram']>
  '/api/v1/events/top': Get<Filter & { field: string; limit?: number; prefix?: string }, components['schemas']['Facet']>
  '/api/v1/events/facets': Get<Filter & { field: string[]; limit?: number }, { facets: components['schemas']['Facet'][] }>
  '/api/v1/events/fields': Get<Filter & { prefix?: string }, { fields: components['schemas']['FieldInfo'][] }>
  '/api/v1/rejects': Get<Scope & { limit?: number; cursor?: string; code?: string; from?: string; to?: string }, components['schemas']['RejectPage']>
  '/api/v1/rejects/summary': Get<Scope, { total: number; codes: { code: string; count: number }[] }>
  '/api/v1/query/check': Get<{ q: string }, { ok: boolean; canonical: string }>
  '/api/v1/status': Get<Scope, components['schemas']['Status']>
  '/api/v1/me': Get<Record<never, never>, components['schemas']['Me']>
  '/api/v1/keys': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get: { parameters: { query?: never; header?: never; path?: never; cookie?: never }; requestBody?: never; responses: { 200: Json<{ keys: components['schemas']['Key'][] }>; default: Failed } }
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never }
      requestBody: { content: { 'application/json': { kind: 'ingestion' | 'service'; name: string } } }
      responses: { 201: Json<components['schemas']['NewKey']>; default: Failed }
    }
  }
  '/api/v1/keys/{id}': {
    parameters: { query?: never; header?: never; path: { id: string }; cookie?: never }
    delete: { parameters: { query?: never; header?: never; path: { id: string }; cookie?: never }; requestBody?: never; responses: { 204: Empty; default: Failed } }
  }
  '/api/v1/sessions': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    post: {
      parameters: { query?: never; header?: never; path?: never; cookie?: never }
      requestBody: { content: { 'application/json': { token: string } } }
      responses: { 201: Empty; default: Failed }
    }
  }
  '/api/v1/sessions/current': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    delete: { parameters: { query?: never; header?: never; path?: never; cookie?: never }; requestBody?: never; responses: { 204: Empty; default: Failed } }
  }
}

export interface components {
  schemas: {
    Event: {
      id: string
      typeURI?: string
      eventType?: string
      eventTime: string
      action: string
      outcome: string
      severity?: string | null
      message?: string | null
      initiator?: {
        id?: string | null
        name?: string | null
        typeURI?: string | null
        credential?: { type?: string | null; id?: string | null } | null
        host?: { address?: string | null; agent?: string | null } | null
      } | null
      target?: { id?: string | null; name?: string | null; typeURI?: string | null } | null
      observer?: { name?: string | null } | null
      reason?: { reasonCode?: string | number | null; reasonType?: string | null; reasonForFailure?: string | null } | null
      requestData?: unknown
      responseData?: unknown
      correlationId?: string | null
      cadf?: { action?: string | null } | null
      raw: string
      record: {
        id: string
        offset: number
        recorded_at: string
        account: string
        space: string | null
        region: string | null
        stream: string
        source: string
        access: string | null
        service: string | null
        app: string | null
        time_source: string
        summary: string
      }
    }
    EventWithRelated: components['schemas']['Event'] & {
      related: { record: string; id: string; eventTime: string; action: string; outcome: string }[]
    }
    EventPage: {
      events: components['schemas']['Event'][]
      next_cursor: string | null
      stats: { took_ms: number; rows_scanned: number; segments: number; segments_read: number; tail_rows: number; as_of: string | number }
    }
    Around: { before: components['schemas']['Event'][]; after: components['schemas']['Event'][] }
    Histogram: {
      interval: string
      from: string
      to: string
      by: string
      buckets: { start: string; counts: Record<string, number> }[]
      total: number
    }
    Facet: { field: string; values: { value: string; count: number }[]; other: number; missing: number }
    FieldInfo: { name: string; column: string | null; aliases: string[]; kind: string; origin: string }
    RejectPage: {
      rejects: {
        record: { id: string; offset: number; recorded_at: string }
        code: string
        detail: string
        source: string
        raw: string
        raw_encoding: 'utf-8' | 'base64'
      }[]
      next_cursor: string | null
    }
    Status: {
      events: number
      rejects: number
      tail_rows: number
      journal_bytes: number
      journal_bound_bytes: number
      oldest_event: string | null
      newest_event: string | null
      started_at: string
      version: string
    }
    Me: { user: { id: string; name: string; role: string }; account: string; accounts: string[]; version: string }
    Key: { id: string; kind: string; name: string; masked: string; created_at: string; last_used_at: string | null; revoked_at: string | null }
    NewKey: { id: string; kind: string; name: string; key: string; created_at: string }
    Problem: {
      type?: string
      title?: string
      status?: number
      code?: string
      detail?: string
      position?: number
      length?: number
      expected?: string[]
    }
  }
}
