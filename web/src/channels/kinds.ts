/** What receivers are called, what each needs, and where a channel leads in a line. */
import { AtSign, Hash, Network, PhoneCall, UsersRound, Webhook, type LucideIcon } from 'lucide-react'
import type { Receiver } from '../api/shapes'

export type Kind = Receiver['type']

export const KINDS: Record<Kind, { label: string; Icon: LucideIcon; what: string }> = {
  email: { label: 'E-mail', Icon: AtSign, what: 'people, by the operator’s mail server' },
  slack: { label: 'Slack', Icon: Hash, what: 'a Slack channel, by an incoming webhook' },
  teams: { label: 'Teams', Icon: UsersRound, what: 'a Teams channel, by a Workflows webhook' },
  pagerduty: { label: 'PagerDuty', Icon: PhoneCall, what: 'an on-call service, by Events API v2' },
  webhook: { label: 'Webhook', Icon: Webhook, what: 'any HTTPS address of yours' },
  syslog: { label: 'Syslog', Icon: Network, what: 'a collector or SIEM, RFC 5424' },
}

export const KIND_ORDER: readonly Kind[] = ['email', 'slack', 'teams', 'pagerduty', 'webhook', 'syslog']

/** Where it leads, in a line; secrets are masked already. */
export function leadsTo(receiver: Receiver): string {
  switch (receiver.type) {
    case 'email':
      return receiver.to.join(', ')
    case 'slack':
    case 'teams':
    case 'webhook':
      return receiver.url
    case 'pagerduty':
      return `key ${receiver.routing_key}`
    case 'syslog':
      return `${receiver.transport}://${receiver.host}:${receiver.port}`
  }
}
