/** Rules, packages of rules and exceptions from them. */
import { http, searchText, take } from './http'
import type { PackageInstalled, PackageSummary, PackageUpdate, RuleCheck, RuleDetail, RuleException, RuleExceptionCreate, RuleList, RuleUpdate } from './shapes'

const of = (id: string) => ({ params: { path: { id } } })

export const rules = {
  list: (signal: AbortSignal): Promise<RuleList> => take(http.GET('/api/v1/rules', { signal })),
  get: (id: string, signal: AbortSignal): Promise<RuleDetail> => take(http.GET('/api/v1/rules/{id}', { ...of(id), signal })),
  create: (body: { text: string; is_enabled: boolean }): Promise<RuleDetail> => take(http.POST('/api/v1/rules', { body })),
  update: (id: string, body: RuleUpdate): Promise<RuleDetail> => take(http.PATCH('/api/v1/rules/{id}', { ...of(id), body })),
  /** Of a package's rule only what was tuned goes. */
  delete: (id: string) => take(http.DELETE('/api/v1/rules/{id}', of(id))),
  /** `events`: JSON documents, or lines of text. */
  check: (text: string, events: unknown[], signal: AbortSignal): Promise<RuleCheck> =>
    // The contract says of an event only that it is an object.
    take(http.POST('/api/v1/rules/check', { body: { text, events: events as Record<string, never>[] }, signal })),

  packages: (signal: AbortSignal): Promise<PackageSummary[]> => take(http.GET('/api/v1/packages', { signal })).then((answer) => answer.packages),
  updatePackage: (id: string, body: PackageUpdate): Promise<PackageSummary> => take(http.PATCH('/api/v1/packages/{id}', { ...of(id), body: body as { is_enabled?: boolean; variables?: Record<string, never> } })),
  deletePackage: (id: string) => take(http.DELETE('/api/v1/packages/{id}', of(id))),
  /** `digest`: the hash that the archive must have. */
  install: (archive: Blob, options: { dry_run: boolean; digest?: string }): Promise<PackageInstalled> =>
    take(
      http.POST('/api/v1/packages', {
        params: { query: options },
        // Of a session the server takes no other type than JSON's; it looks at the bytes, not at the name.
        headers: { 'content-type': 'application/json' },
        body: archive as unknown as string,
        bodySerializer: (body) => body as unknown as Blob,
      }),
    ),

  exceptions: (signal: AbortSignal): Promise<RuleException[]> => take(http.GET('/api/v1/exceptions', { signal })).then((answer) => answer.exceptions as unknown as RuleException[]),
  createException: (body: RuleExceptionCreate): Promise<RuleException> =>
    take(http.POST('/api/v1/exceptions', { body: { ...body, events: body.events as unknown as Record<string, never> } })),
  deleteException: (id: string) => take(http.DELETE('/api/v1/exceptions/{id}', of(id))),
}

/** Address of a package's archive, which the browser takes itself. */
export const archiveAddress = (id: string): string => `/api/v1/packages/${encodeURIComponent(id)}/content${searchText({})}`
