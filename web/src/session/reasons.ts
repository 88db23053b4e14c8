/** Why signing in did not work, in words of the sign-in page. */
import { Problem } from '../api/problem'

const REASONS: Record<string, string> = {
  sign_in_failed: 'The name or the password is wrong.',
  code_wrong: 'This code is wrong or too old. Codes change every 30 seconds; check that the clock of your phone is right.',
  link_expired: 'This link has expired or is not one of this server. Check that it was copied whole, or make a new one as shown below.',
  link_used: 'This link was used already. Each link works once; make a new one below.',
  provider_unavailable: 'The identity provider does not answer, or not as it should. Try again in a moment, or sign in another way.',
}
/** What the server leads back to the sign-in page with. */
const REDIRECTS: Record<string, string | undefined> = {
  expired: REASONS.link_expired,
  used: REASONS.link_used,
  second_factor: 'This link was opened by a program, and a code of your second factor is asked for too, so it needs a browser. Paste the link below.',
  provider_unavailable: REASONS.provider_unavailable,
  provider_refused: 'The identity provider did not sign you in, or the sign-in took too long or was begun in another window. Begin again; if it stays so, ask your administrator.',
  no_role: 'You are signed in at the identity provider but have no access here. Ask your administrator to give you a role.',
  name_taken: 'You are signed in at the identity provider, but somebody else has your name here. Ask your administrator to sort the two out.',
  disabled: 'You are signed in at the identity provider, but your user is disabled here. Ask your administrator.',
  internal: 'Something went wrong on the server; its log says what. Try again, and tell your administrator if it stays so.',
}

/** `?error=` of the address. */
export function reasonOfAddress(code: string): string {
  return REDIRECTS[code] ?? REASONS[code] ?? `Signing in did not work (${code.slice(0, 60)}). Try again.`
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Problem)) return String(error)
  if (error.status === 0) return `${error.title}. ${error.message}`
  return REASONS[error.code] ?? error.message
}
