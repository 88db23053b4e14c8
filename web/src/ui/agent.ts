/** What a user agent calls itself, in two words: `Firefox on Linux`. Only ever shown, never decided by. */
const BROWSERS: readonly [RegExp, string][] = [[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari'], [/^curl\//, 'curl'], [/^whodid\//, 'whodid on the command line']]
const SYSTEMS: readonly [RegExp, string][] = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X|Macintosh/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux|X11/, 'Linux']]

const first = (names: readonly [RegExp, string][], agent: string): string | undefined => names.find(([pattern]) => pattern.test(agent))?.[1]

export function agentName(agent: string): string {
  const browser = first(BROWSERS, agent)
  if (browser === undefined) return agent === '' ? 'unknown program' : agent.slice(0, 40)
  const system = agent.startsWith('Mozilla/') ? first(SYSTEMS, agent) : undefined
  return system === undefined ? browser : `${browser} on ${system}`
}
