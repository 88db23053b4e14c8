/** A finding as its event tells it. Pure. */
import { valueAt } from '../activity/event'
import { beyondTitle } from '../alerts/words'
import type { Alert, AuditEvent, Level } from '../api/shapes'
import { LEVELS } from '../rules/words'

export interface Finding {
  id: string
  at: string
  level: Level
  /** What happened, without the rule's title where the sentence begins with it. */
  sentence: string
  /** Of what was reported by others: the kind of finding. */
  title: string
  /** Nothing where no rule of whodid found it. */
  rule: string | undefined
  isSilenced: boolean
  key: string
}

/** Where an event names no level, its severity is the nearest. */
const OF_SEVERITY: Record<string, Level> = { critical: 'high', warning: 'medium', normal: 'low' }

export function findingOf(event: AuditEvent): Finding {
  const stated = valueAt(event, 'requestData.level')
  const title = valueAt(event, 'requestData.ruleTitle') ?? event.target?.name ?? valueAt(event, 'requestData.findingType') ?? 'Finding'
  const message = event.message ?? event.record.summary
  const rest = beyondTitle(title, message)
  return {
    id: event.record.id,
    at: event.eventTime,
    level: LEVELS.find((level) => level === stated?.toLowerCase()) ?? OF_SEVERITY[event.severity] ?? 'informational',
    sentence: rest === '' ? message : rest,
    title,
    rule: valueAt(event, 'requestData.ruleId'),
    isSilenced: valueAt(event, 'requestData.silencedBy') !== undefined,
    key: valueAt(event, 'requestData.key') ?? '',
  }
}

/** The alert that a finding is part of, where just one can be meant. */
export function alertOf(finding: Finding, alerts: readonly Alert[]): Alert | undefined {
  const meant = finding.isSilenced ? [] : alerts.filter((alert) => alert.rule_id === finding.rule && alert.group.every((pair) => finding.key.includes(pair.value)))
  return meant.length === 1 ? meant[0] : undefined
}

/** The gravest first, of equally grave ones the latest. */
export function gravest(alerts: readonly Alert[], most: number): Alert[] {
  return [...alerts].sort((a, b) => LEVELS.indexOf(a.severity) - LEVELS.indexOf(b.severity) || Date.parse(b.last_at) - Date.parse(a.last_at)).slice(0, most)
}
