/** One-time tokens of links, and the challenge of a sign-in that goes on here. */
import { opened } from '../opened'

function memberOf(link: string, name: 'token' | 'challenge'): string | undefined {
  const found = new RegExp(`[?&#]${name}=([^&#\\s]+)`).exec(link)
  return found?.[1] ? decodeURIComponent(found[1]) : undefined
}

/** The token of a link: in the query, where programs send it too, or after `#`, which never leaves the browser. */
export function tokenOf(link: string): string | undefined {
  return memberOf(link, 'token')
}

/** A whole link or the token alone. */
export function tokenIn(text: string): string {
  return tokenOf(text) ?? text.trim()
}

/** The token that the page was opened by. Forget it at once: whoever comes again has not followed the link again. */
export function openedToken(): string | undefined {
  return tokenOf(opened.address)
}

/** What the server asks the second factor for, of somebody whom the identity provider has vouched for. */
export function openedChallenge(): string | undefined {
  return memberOf(opened.address, 'challenge')
}

export function forgetOpened(): void {
  opened.address = ''
}
