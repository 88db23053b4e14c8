import type { UseQueryResult } from '@tanstack/react-query'
import { Plus, ShieldOff } from 'lucide-react'
import { useState } from 'react'
import type { RuleException, RuleSummary } from '../api/shapes'
import { useSigned } from '../session/me'
import { useRowsLeave } from '../ui/focus'
import { Loaded } from '../ui/Loaded'
import { When } from '../ui/When'
import { ConditionWords } from './ConditionWords'
import { CreateException } from './CreateException'
import { DeleteException } from './DeleteException'

interface RuleExceptionsProps {
  rule: RuleSummary
  /** All that were asked for. */
  query: UseQueryResult<RuleException[]>
  /** Those among them that hold of the rule. */
  exceptions: RuleException[]
}

/** What one rule is not to tell. */
export function RuleExceptions({ rule, query, exceptions }: RuleExceptionsProps) {
  const { rights } = useSigned()
  const [isCreating, setIsCreating] = useState(false)
  useRowsLeave(query.data === undefined ? undefined : exceptions.length)
  const [deleting, setDeleting] = useState<RuleException | undefined>()
  const mayManage = rights.may('rules.manage')
  return (
    <div className="stack">
      <Loaded query={query}>
        {() =>
          exceptions.length === 0 ? (
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
                    <button type="button" className="link-button" aria-label={`Delete the exception: ${exception.reason}`} onClick={() => setDeleting(exception)}>
                      Delete
                    </button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
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
