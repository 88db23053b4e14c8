import { Plus, ShieldOff } from 'lucide-react'
import { useState } from 'react'
import type { RuleException, RuleSummary } from '../api/shapes'
import { useSigned } from '../session/me'
import { When } from '../ui/When'
import { ConditionWords } from './ConditionWords'
import { CreateException } from './CreateException'
import { DeleteException } from './DeleteException'

/** What one rule is not to tell. */
export function RuleExceptions({ rule, exceptions }: { rule: RuleSummary; exceptions: RuleException[] | undefined }) {
  const { rights } = useSigned()
  const [isCreating, setIsCreating] = useState(false)
  const [deleting, setDeleting] = useState<RuleException | undefined>()
  const mayManage = rights.may('rules.manage')
  if (exceptions === undefined) return null
  return (
    <div className="stack">
      {exceptions.length === 0 ? (
        <p className="empty-line">
          <ShieldOff size={15} aria-hidden /> Everything it matches is told.
        </p>
      ) : (
        <ul className="exception-cards">
          {exceptions.map((exception) => (
            <li key={exception.id} className={exception.is_ended ? 'dimmed' : undefined}>
              <ConditionWords events={exception.events} />
              <p>{exception.reason}</p>
              <p className="muted small">
                {exception.owner}
                {exception.rules.length === 0 && ' · of every rule'} · {exception.is_ended ? 'ended ' : exception.expires_at == null ? 'never ends' : 'ends '}
                {exception.expires_at != null && <When iso={exception.expires_at} />}
              </p>
              {mayManage && (
                <button type="button" className="link-button" onClick={() => setDeleting(exception)}>
                  Delete
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayManage && (
        <div>
          <button type="button" className="button" onClick={() => setIsCreating(true)}>
            <Plus size={14} aria-hidden /> Make an exception
          </button>
        </div>
      )}
      {isCreating && <CreateException rule={rule.id} onClose={() => setIsCreating(false)} />}
      {deleting && <DeleteException exception={deleting} onClose={() => setDeleting(undefined)} />}
    </div>
  )
}
