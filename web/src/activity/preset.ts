/** What tells one page that searches from another: where it looks, and what it shows first. */
import type { ReactNode } from 'react'
import { DEFAULT_COLUMNS, DEFAULT_FACETS } from './columns'

export interface Preset {
  title: string
  path: '/activity' | '/audit'
  /** The stream that is searched; the server's default without it. */
  stream?: string
  /** Said above the search; without it the page is known by its rail. */
  lead?: ReactNode
  /** Columns as the address writes them. */
  columns: string
  facets: readonly string[]
  /** Searches that are one click away. */
  quick: readonly { label: string; q: string }[]
  placeholder: string
}

export const ACTIVITY: Preset = { title: 'Activity', path: '/activity', columns: DEFAULT_COLUMNS, facets: DEFAULT_FACETS, quick: [], placeholder: 'Search: action:kms.* outcome:failure bob' }

/** Each finding once. */
export const FOUND = 'action:===whodid.finding.create'

/** What was found: a stream of its own beside what sources tell. */
export const FINDINGS: Preset = {
  title: 'Findings',
  path: '/activity',
  stream: 'findings',
  lead: 'What rules found, and what other programs reported. Each finding names the events that show it.',
  columns: 'time,requestData.level~124,sentence,requestData.provider,requestData.key',
  facets: ['requestData.level', 'requestData.ruleTitle', 'requestData.provider', 'requestData.key', 'requestData.silencedBy'],
  // Without one, what became of findings later is shown too: how often they matched by now.
  quick: [
    { label: 'Findings', q: FOUND },
    { label: 'High and critical', q: `${FOUND} requestData.level:==[high,critical]` },
    { label: 'Not silenced', q: `${FOUND} NOT requestData.silencedBy:*` },
    { label: 'Silenced', q: `${FOUND} requestData.silencedBy:*` },
  ],
  placeholder: 'Search: requestData.level:high bob',
}

/** Insights as events, for searches of them; the page of insights shows each once, with its chart. */
export const INSIGHTS: Preset = {
  title: 'Events of insights',
  path: '/activity',
  stream: 'insights',
  lead: 'What is told of each insight: that it began, how it goes on, and that it is over.',
  columns: 'time,severity,sentence,requestData.insightType~170,requestData.state~80',
  facets: ['requestData.insightType', 'requestData.state', 'severity', 'requestData.eventName', 'requestData.principalId', 'region', 'requestData.isExpected', 'requestData.isPast'],
  quick: [
    { label: 'Starts', q: 'action:===whodid.insight.start' },
    { label: 'That are told', q: 'action:===whodid.insight.start requestData.isPast:===false requestData.isExpected:===false' },
    { label: 'Ends', q: 'action:===whodid.insight.end' },
  ],
  placeholder: 'Search: requestData.insightType:IpInsight bob',
}
