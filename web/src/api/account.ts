/** Which account the page is about: `?account=` of its address; without it the one the server takes by itself. */
import type { paths } from './schema'

export function accountOfAddress(): string | undefined {
  return new URLSearchParams(window.location.search).get('account') ?? undefined
}

/** Routes that know no `account`: they are about the person or the installation. A test holds it against the contract. */
const WITHOUT = new Set<string>([
  '/api/v1/accounts',
  '/api/v1/invitations/accept',
  '/api/v1/links/look',
  '/api/v1/me',
  '/api/v1/me/password',
  '/api/v1/me/reauthenticate',
  '/api/v1/me/recovery-codes',
  '/api/v1/me/sessions',
  '/api/v1/me/sessions/{id}',
  '/api/v1/me/tokens/{id}',
  '/api/v1/me/tokens/{id}/rotate',
  '/api/v1/me/totp',
  '/api/v1/me/totp/confirm',
  '/api/v1/notices/key',
  '/api/v1/password-resets',
  '/api/v1/password-resets/commit',
  '/api/v1/query/check',
  '/api/v1/sessions/current',
  '/api/v1/sign-in/methods',
] satisfies (keyof paths)[])
/** Of these only one method knows it. */
const ONLY: Record<string, string> = { '/api/v1/sessions': 'get', '/api/v1/me/tokens': 'post' }

export function takesAccount(path: string, method: string): boolean {
  const only = ONLY[path]
  // Others, such as Security Advisor's, name the account in the path itself.
  return path.startsWith('/api/v1/') && !path.includes('{account}') && !WITHOUT.has(path) && (only === undefined || only === method.toLowerCase())
}
