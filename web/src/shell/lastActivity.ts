/** Leaving a search and coming back finds it as it was; of each page that searches. */
const remembered = new Map<string, Record<string, string>>()
const SEARCHES = ['/activity', '/audit']

export function lastActivity(path = '/activity'): Record<string, string> {
  return remembered.get(path) ?? {}
}

export function rememberActivity(path: string, search: Record<string, string>): void {
  // Findings are looked at from elsewhere; Activity itself is to be found as it was.
  if (!SEARCHES.includes(path) || search.stream !== undefined) return
  // The account goes with every step anyhow; an old one must not come back.
  remembered.set(path, Object.fromEntries(Object.entries(search).filter(([name]) => name !== 'account')))
}
