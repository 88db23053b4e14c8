import type { Alert, RuleException } from '../api/shapes'
import { CreateException } from '../rules/CreateException'
import { literal } from './words'

/** The exception that would have left out this alert: its rule, and what its findings have in common. */
export function ExceptionFromAlert({ alert, onMade, onClose }: { alert: Alert; onMade: (made: RuleException) => void; onClose: () => void }) {
  return <CreateException rule={alert.rule_id} conditions={alert.group.map((pair) => ({ field: pair.key, operator: 'is', value: literal(pair.value) }))} onMade={onMade} onClose={onClose} />
}
