import type { UserEntry } from '../api/shapes'

export interface UserState {
  word: string
  kind: 'bad' | 'warn' | 'plain'
  /** Since or until when. */
  at: string | null
}

/** What an administrator should know of a user at a glance; nothing when all is well. */
export function statesOf(user: UserEntry, now: number): UserState[] {
  const states: UserState[] = []
  if (user.disabled_at !== null) states.push({ word: 'disabled', kind: 'bad', at: user.disabled_at })
  if (user.locked_until !== null && Date.parse(user.locked_until) > now) states.push({ word: 'locked', kind: 'bad', at: user.locked_until })
  if (user.reset_requested_at !== null) states.push({ word: 'asks for a new password', kind: 'warn', at: user.reset_requested_at })
  if (user.last_signed_in_at === null && user.disabled_at === null) states.push({ word: 'never signed in', kind: 'plain', at: null })
  return states
}
