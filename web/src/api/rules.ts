/** Rules, packages of rules and exceptions from them. */
import { http, searchText, take } from './http'
import type { Backtest, BacktestRequest, DetectionStatus, PackageCheck, PackageInstalled, PackageSummary, PackageUpdate, RuleCheck, RuleDetail, RuleException, RuleExceptionCreate, RuleList, RuleProblem, RuleUpdate } from './shapes'

/** A package, which may be made of a file in the account's storage. */
export type KnownPackage = PackageSummary & {
  file?: string | null
  /** Why that file as it is now cannot be used. */
  problem?: string | null
}
/** What is wrong with rule files in the account's storage; without a file, with the storage itself. */
export interface PackageProblem {
  file?: string | null
  message: string
}
export interface PackageList {
  packages: KnownPackage[]
  problems: PackageProblem[]
}
/** `line`: where the text cannot be read, else where the document begins. */
export type PlacedProblem = RuleProblem & { line?: number | null }
export type DetectionDrops = DetectionStatus & { dropped_windows?: number; forgotten_values?: number }

type PackagesAnswer = Pick<PackageList, 'packages'> & Partial<PackageList>
const listed = ({ packages, problems = [] }: PackagesAnswer): PackageList => ({ packages, problems })
const refresh = http.POST as unknown as (path: '/api/v1/packages/refresh', options: object) => Promise<{ data?: PackagesAnswer; error?: unknown; response: Response }>

/** The text of each file of a package by its path. */
/** The files of an installed package, and its hash. */
export interface Content {
  digest: string
  files: Files
}
export type Files = Record<string, string>
/** The path of what says what a package is. */
// The generated types know an object of any members as one of none.
const asBody = (files: Files) => ({ files: files as unknown as Record<string, never> })

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
  /** Runs over what is stored; takes up to a minute, and ends when `signal` does. */
  backtest: (body: BacktestRequest, signal: AbortSignal): Promise<Backtest> =>
    take(http.POST('/api/v1/rules/backtest', { body: { ...body, exception: body.exception as unknown as Record<string, Record<string, never>[]> }, signal })),

  packages: (signal: AbortSignal): Promise<PackageList> => take<PackagesAnswer>(http.GET('/api/v1/packages', { signal })).then(listed),
  /** Looks for rule files in the account's storage now, and not within the next minute. */
  refreshPackages: (): Promise<PackageList> => take(refresh('/api/v1/packages/refresh', {})).then(listed),
  updatePackage: (id: string, body: PackageUpdate): Promise<PackageSummary> => take(http.PATCH('/api/v1/packages/{id}', { ...of(id), body: body as { is_enabled?: boolean; variables?: Record<string, never> } })),
  deletePackage: (id: string) => take(http.DELETE('/api/v1/packages/{id}', of(id))),
  files: (id: string, signal: AbortSignal): Promise<Content> => take(http.GET('/api/v1/packages/{id}/files', { ...of(id), signal })).then(({ digest, files }) => ({ digest, files: files as unknown as Files })),
  /** What a package of these files comes to, without keeping it. */
  checkPackage: (files: Files, signal: AbortSignal): Promise<PackageCheck> => take(http.POST('/api/v1/packages/check', { body: asBody(files), signal })),
  /** `replaces`: the hash of the installed package that the files were written on. */
  installFiles: (files: Files, options: { replaces?: string }): Promise<PackageInstalled> => take(http.POST('/api/v1/packages', { params: { query: options }, body: asBody(files) })),
  /** `digest`: the hash that the archive must have. */
  install: (archive: Blob, options: { dry_run: boolean; digest?: string }): Promise<PackageInstalled> =>
    take(
      http.POST('/api/v1/packages', {
        params: { query: options },
        headers: { 'content-type': 'application/gzip' },
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
