/**
 * The list as it stands before a person: what comes in is announced and moves nothing; what is known anew of a line
 * that is shown is shown there; what went elsewhere stays, marked, until the list is taken anew.
 */
import type { AlertFilter } from '../api/alerts'
import type { Alert, AlertPage } from '../api/shapes'
import { LEVELS } from '../rules/words'

export interface Line {
  alert: Alert
  /** Somebody else moved it on: the list would not have it any more. */
  isGone: boolean
}

export interface Standing {
  lines: Line[]
  /** How many the list would have beside these. */
  fresh: number
}

/** `hasOlder`: whether more follow after what is shown. */
export function standing(shown: readonly Alert[], polled: AlertPage | undefined, hasOlder: boolean): Standing {
  if (!polled) return { lines: shown.map((alert) => ({ alert, isGone: false })), fresh: 0 }
  const now = new Map(polled.alerts.map((alert) => [alert.id, alert]))
  const reaches = polled.next_cursor === null ? -Infinity : Math.min(...polled.alerts.map(lastMs))
  const lines = shown.map((alert) => {
    const newer = now.get(alert.id)
    // A poll that began before a change knows less than the change's own answer.
    return { alert: newer && newer.revision >= alert.revision ? newer : alert, isGone: newer === undefined && lastMs(alert) > reaches }
  })
  const known = new Set(shown.map((alert) => alert.id))
  const end = hasOlder ? Math.min(...shown.map(lastMs)) : -Infinity
  return { lines, fresh: polled.alerts.filter((alert) => !known.has(alert.id) && lastMs(alert) > end).length }
}

const lastMs = (alert: Alert): number => Date.parse(alert.last_at)

/** Whether a list with this filter has the alert. */
export function fits(alert: Alert, { status, severity, assignee, rule }: AlertFilter, mine: (label: string | null) => boolean): boolean {
  return (
    (status === undefined || status.split(',').includes(alert.status)) &&
    (severity === undefined || LEVELS.indexOf(alert.severity) <= LEVELS.indexOf(severity)) &&
    (assignee === undefined || (assignee === 'me' ? mine(alert.assignee) : alert.assignee === assignee)) &&
    (rule === undefined || alert.rule_id === rule)
  )
}

/** Who is next when lines are left: the one after the last of them, else the one before. */
export function neighbour(ids: readonly string[], id: string | undefined, step: 1 | -1): string | undefined {
  const at = id === undefined ? -1 : ids.indexOf(id)
  if (at < 0) return step === 1 ? ids[0] : ids.at(-1)
  return ids[Math.min(Math.max(at + step, 0), ids.length - 1)]
}
