/** Signing in, and what is about the person who asks. */
import { http, searchText, take, takeWhole } from './http'
import type { Challenge, EventPage, Key, KeyCreated, KeyUpdate, LinkInfo, Me, NotMeDone, SessionSummary, SignedIn, SignInMethods, TokenCreate, TotpSetUp } from './shapes'

/** Signed in, or half way there. */
export type Step = { done: SignedIn } | { challenge: Challenge }

type SignInWay = { token: string } | { user: string; password: string } | { challenge: string; code: string }

function stepOf({ status, data }: { status: number; data: SignedIn | Challenge }): Step {
  return status === 202 ? { challenge: data as Challenge } : { done: data as SignedIn }
}

export interface OwnActivityOptions {
  q?: string | undefined
  from?: string | undefined
  to?: string | undefined
  cursor?: string | undefined
  limit?: number
}

export const own = {
  methods: (signal: AbortSignal): Promise<SignInMethods> => take(http.GET('/api/v1/sign-in/methods', { signal })),
  signIn: async (way: SignInWay): Promise<Step> => stepOf(await takeWhole(http.POST('/api/v1/sessions', { body: way }))),
  signOut: () => take(http.DELETE('/api/v1/sessions/current')),
  look: (token: string, signal: AbortSignal): Promise<LinkInfo> => take(http.POST('/api/v1/links/look', { body: { token }, signal })),
  accept: async (body: { token: string; password: string; display_name?: string }): Promise<Step> => stepOf(await takeWhole(http.POST('/api/v1/invitations/accept', { body }))),
  askForReset: (user: string) => take(http.POST('/api/v1/password-resets', { body: { user } })),
  reset: (token: string, password: string) => take(http.POST('/api/v1/password-resets/commit', { body: { token, password } })),

  me: (signal: AbortSignal): Promise<Me> => take(http.GET('/api/v1/me', { signal })),
  reauthenticate: (password: string | undefined, code: string | undefined) => take(http.POST('/api/v1/me/reauthenticate', { body: { password, code } })),
  changePassword: (current: string | undefined, password: string) => take(http.POST('/api/v1/me/password', { body: { current, new: password } })),
  beginTotp: (): Promise<TotpSetUp> => take(http.POST('/api/v1/me/totp')),
  confirmTotp: (code: string): Promise<string[]> => take(http.POST('/api/v1/me/totp/confirm', { body: { code } })).then((answer) => answer.codes),
  removeTotp: () => take(http.DELETE('/api/v1/me/totp')),
  renewRecoveryCodes: (): Promise<string[]> => take(http.POST('/api/v1/me/recovery-codes')).then((answer) => answer.codes),

  sessions: (signal: AbortSignal): Promise<SessionSummary[]> => take(http.GET('/api/v1/me/sessions', { signal })).then((answer) => answer.sessions),
  endSession: (id: string) => take(http.DELETE('/api/v1/me/sessions/{id}', { params: { path: { id } } })),
  endOtherSessions: (): Promise<number> => take(http.DELETE('/api/v1/me/sessions')).then((answer) => answer.ended),

  activity: (options: OwnActivityOptions, signal: AbortSignal): Promise<EventPage> => take(http.GET('/api/v1/me/activity', { params: { query: options }, signal }), options.q),
  report: (event: string, note: string, revokeTokens: boolean): Promise<NotMeDone> =>
    take(http.POST('/api/v1/me/reports', { body: { event, revoke_tokens: revokeTokens, ...(note === '' ? {} : { note }) } })),

  tokens: (signal: AbortSignal): Promise<Key[]> => take(http.GET('/api/v1/me/tokens', { signal })).then((answer) => answer.keys),
  createToken: (body: TokenCreate): Promise<KeyCreated> => take(http.POST('/api/v1/me/tokens', { body })),
  updateToken: (id: string, body: KeyUpdate): Promise<Key> => take(http.PATCH('/api/v1/me/tokens/{id}', { params: { path: { id } }, body })),
  rotateToken: (id: string, overlap: string): Promise<KeyCreated> => take(http.POST('/api/v1/me/tokens/{id}/rotate', { params: { path: { id } }, body: { overlap } })),
  revokeToken: (id: string) => take(http.DELETE('/api/v1/me/tokens/{id}', { params: { path: { id } } })),
}

/** Address of one's own activity as a CSV file. */
export function ownExportAddress(options: { q?: string | undefined; from?: string | undefined; to?: string | undefined }): string {
  return `/api/v1/me/activity/export${searchText({ ...options })}`
}
