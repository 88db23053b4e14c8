/**
 * The address by which the page was opened. What opens doors leaves it here and now, before anything else
 * is loaded: it must stay neither in the address nor in the history.
 */
const SECRETS = ['token', 'challenge'] as const

export const opened = { address: window.location.href }

/** The address without what opens doors. */
export function withoutSecrets(address: string): string {
  const url = new URL(address)
  for (const name of SECRETS) url.searchParams.delete(name)
  if (SECRETS.some((name) => url.hash.startsWith(`#${name}=`))) url.hash = ''
  return url.href
}

const clean = withoutSecrets(opened.address)
if (SECRETS.some((name) => opened.address.includes(`${name}=`)) && clean !== opened.address) window.history.replaceState(window.history.state, '', clean)
