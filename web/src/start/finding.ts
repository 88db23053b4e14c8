/** A finding as its event tells it. Pure. */
import { sentenceOf, valueAt } from '../activity/event'
import { beyondTitle } from '../alerts/words'
import type { Alert, AuditEvent, Level } from '../api/shapes'
import { LEVELS } from '../rules/words'

export interface Finding {
  id: string
  at: string
  level: Level
  /** What happened, without the rule's title where the sentence begins with it. */
  sentence: string
  /** The rule's; of what others reported, who did. */
  title: string
  /** Nothing where no rule of whodid found it. */
  rule: string | undefined
  isSilenced: boolean
  /** What an alert knows it by: the rule, or the kind that was reported, and the values it is about. */
  kind: string
  about: string[]
}

/** Where an event names no level, its severity is the nearest. */
const OF_SEVERITY: Record<string, Level> = { critical: 'high', warning: 'medium', normal: 'low' }

export function findingOf(event: AuditEvent): Finding {
  const stated = valueAt(event, 'requestData.level')
  const rule = valueAt(event, 'requestData.ruleId')
  const message = sentenceOf(event)
  const title = rule === undefined ? (valueAt(event, 'requestData.provider') ?? event.initiator?.name ?? 'reported') : (valueAt(event, 'requestData.ruleTitle') ?? rule)
  const rest = rule === undefined ? message : beyondTitle(title, message)
  return {
    id: event.record.id,
    at: event.eventTime,
    level: LEVELS.find((level) => level === stated?.toLowerCase()) ?? OF_SEVERITY[event.severity] ?? 'informational',
    sentence: rest === '' ? message : rest,
    title,
    rule,
    isSilenced: valueAt(event, 'requestData.silencedBy') !== undefined,
    kind: rule ?? valueAt(event, 'requestData.findingType') ?? '',
    about: [valueAt(event, 'requestData.key'), valueAt(event, 'requestData.group'), event.initiator?.name, event.initiator?.id, event.target?.id].filter((text) => text !== undefined),
  }
}

/** The alert that a finding is part of, where just one can be meant. */
export function alertOf(finding: Finding, alerts: readonly Alert[]): Alert | undefined {
  const meant = finding.isSilenced ? [] : alerts.filter((alert) => alert.rule_id === finding.kind && alert.group.every((pair) => finding.about.some((text) => text.includes(pair.value))))
  return meant.length === 1 ? meant[0] : undefined
}

export interface Alike {
  alert: Alert
  /** How many more of the same kind are as they are. */
  more: number
}

/** The gravest first, of equally grave ones the latest; of one kind only the first, so that many of it hide no other. */
export function gravest(alerts: readonly Alert[], most: number): Alike[] {
  const sorted = [...alerts].sort((a, b) => LEVELS.indexOf(a.severity) - LEVELS.indexOf(b.severity) || Date.parse(b.last_at) - Date.parse(a.last_at))
  const kinds = new Map<string, Alike>()
  for (const alert of sorted) {
    const kind = `${alert.rule_id} ${alert.severity}`
    const known = kinds.get(kind)
    if (known) known.more += 1
    else kinds.set(kind, { alert, more: 0 })
  }
  return [...kinds.values()].slice(0, most)
}
