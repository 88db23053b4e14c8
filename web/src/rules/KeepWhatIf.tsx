import { rules } from '../api/rules'
import type { RuleDetail } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { notify } from '../ui/notice'
import { useRuleChanged } from './queries'
import { sentWhatIf, type WhatIf } from './whatIf'

/** Makes tuning of what was tried. */
export function KeepWhatIf({ detail, whatIf, onKept }: { detail: RuleDetail; whatIf: WhatIf; onKept: () => void }) {
  const { rights } = useSigned()
  const changed = useRuleChanged()
  const save = useChange({
    mutationFn: () => rules.update(detail.rule.id, sentWhatIf(whatIf)),
    onSuccess: (now) => {
      changed(now)
      notify('The tuning is saved')
      onKept()
    },
  })
  if (!rights.may('rules.manage')) return null
  return (
    <>
      <div className="what-if-foot">
        <span className="muted small">Good like this?</span>
        <button type="button" className="button small" disabled={save.isPending} onClick={() => save.mutate()}>
          {save.isPending ? 'Saving…' : 'Save as tuning'}
        </button>
      </div>
      <ChangeError error={save.error} />
    </>
  )
}
