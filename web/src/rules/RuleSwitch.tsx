import { rules } from '../api/rules'
import type { RuleSummary } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { notify } from '../ui/notice'
import { useRuleChanged } from './queries'
import { isFilter } from './words'

interface RuleSwitchProps {
  rule: RuleSummary
  /** Whether the package that the rule comes from is off, so that the rule cannot run. */
  isPackageOff: boolean
  /** Where it is said why a change was refused; a passing message otherwise. */
  onRefused?: (error: Error | undefined) => void
}

/** Whether a rule runs, or a filter applies, and the way to change that. */
export function RuleSwitch({ rule, isPackageOff, onRefused }: RuleSwitchProps) {
  const { rights } = useSigned()
  const changed = useRuleChanged()
  const change = useChange({
    mutationFn: (isEnabled: boolean) => rules.update(rule.id, { is_enabled: isEnabled }),
    onSuccess: (detail) => {
      onRefused?.(undefined)
      changed(detail)
      notify(`“${rule.title}” is ${detail.rule.is_enabled ? 'on' : 'off'}`)
    },
    onError: (error) => (onRefused ? onRefused(error) : notify(error.message)),
  })
  const [act, does, doesNot] = isFilter(rule) ? ['Apply', 'Applies', 'Does not apply'] : ['Run', 'Runs', 'Does not run']
  const reason = !rights.may('rules.manage') ? 'Needs rules.manage' : isPackageOff ? 'Its package is off' : undefined
  return (
    <input
      type="checkbox"
      role="switch"
      className="switch"
      aria-label={`${act} “${rule.title}”`}
      title={reason ?? (rule.is_enabled && rule.problem == null ? does : doesNot)}
      checked={change.isPending ? change.variables : rule.is_enabled}
      disabled={reason !== undefined}
      aria-busy={change.isPending}
      // Not disabled meanwhile: that would take the focus away.
      onChange={(event) => !change.isPending && change.mutate(event.target.checked)}
    />
  )
}
