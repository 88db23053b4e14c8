/** What rules are not to tell, why, and until when. */
import { getRouteApi, Link } from '@tanstack/react-router'
import { Plus, ShieldOff } from 'lucide-react'
import { useState } from 'react'
import type { RuleException } from '../api/shapes'
import { useSigned } from '../session/me'
import { historyOf } from '../settings/History'
import { Tab } from '../settings/Tab'
import { Empty } from '../ui/Empty'
import { useRowsLeave } from '../ui/focus'
import { Loaded } from '../ui/Loaded'
import { When } from '../ui/When'
import { ConditionWords } from './ConditionWords'
import { CreateException } from './CreateException'
import { DeleteException } from './DeleteException'
import { useExceptions, useRules } from './queries'

const route = getRouteApi('/shell/rules/exceptions')

export function ExceptionsTab() {
  const { rights } = useSigned()
  const { rule } = route.useSearch()
  const exceptions = useExceptions()
  const [isCreating, setIsCreating] = useState(false)
  useRowsLeave(exceptions.data?.length)
  const mayManage = rights.may('rules.manage')
  return (
    <Tab
      title="Exceptions"
      lead="What rules match and nobody needs to be told of. It is still counted and stays visible as silenced."
      need={['rules.read']}
      history={historyOf(['exception'])}
      action={
        mayManage && (
          <button type="button" className="button primary" onClick={() => setIsCreating(true)}>
            <Plus size={14} aria-hidden /> Make an exception
          </button>
        )
      }
    >
      <Loaded query={exceptions}>
        {(list) =>
          list.length === 0 ? (
            <Empty Icon={ShieldOff} title="No exceptions">
              <p>Everything that rules match is told. {mayManage ? 'Make one for what is known and right, such as a load test; it says why, and ends by itself.' : ''}</p>
            </Empty>
          ) : (
            <ExceptionTable exceptions={list} mayManage={mayManage} />
          )
        }
      </Loaded>
      {isCreating && <CreateException rule={rule} onClose={() => setIsCreating(false)} />}
    </Tab>
  )
}

const RULES_SHOWN = 3

function ExceptionTable({ exceptions, mayManage }: { exceptions: RuleException[]; mayManage: boolean }) {
  const [deleting, setDeleting] = useState<RuleException | undefined>()
  const all = useRules().data?.rules ?? []
  // What holds stands first, the newest before the others.
  const sorted = [...exceptions].sort((a, b) => Number(a.is_ended) - Number(b.is_ended) || b.created_at.localeCompare(a.created_at))
  const link = (id: string) => (
    <Link key={id} to="/rules/rule/$id" params={{ id }} search={{ part: 'exceptions' }} className="row-link">
      {all.find((rule) => rule.id === id)?.title ?? id}
    </Link>
  )
  return (
    <>
      <table className="page-table exceptions-table" aria-label="Exceptions">
        <thead>
          <tr>
            <th scope="col">Events</th>
            <th scope="col">Of which rules</th>
            <th scope="col">Why</th>
            <th scope="col">Owner</th>
            <th scope="col">Ends</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((exception) => (
            <tr key={exception.id} className={exception.is_ended ? 'dimmed' : ''}>
              <th scope="row" data-label="Events">
                <ConditionWords events={exception.events} />
              </th>
              <td data-label="Rules">
                {exception.rules.length === 0 ? (
                  <strong>every rule</strong>
                ) : (
                  <span className="stacked">
                    {exception.rules.slice(0, RULES_SHOWN).map(link)}
                    {exception.rules.length > RULES_SHOWN && (
                      <details className="more-rules">
                        <summary className="muted small">and {exception.rules.length - RULES_SHOWN} more</summary>
                        <span className="stacked">{exception.rules.slice(RULES_SHOWN).map(link)}</span>
                      </details>
                    )}
                  </span>
                )}
              </td>
              <td data-label="Why">{exception.reason}</td>
              <td data-label="Owner">
                <span className="stacked">
                  {exception.owner}
                  {!exception.owner_is_member && <span className="tag" title="Nobody in this account has this name: see who answers for it">not a member</span>}
                  <span className="muted small">
                    {exception.created_by !== exception.owner && `made by ${exception.created_by}, `}
                    <When iso={exception.created_at} />
                  </span>
                </span>
              </td>
              <td data-label="Ends">
                <span className="stacked">
                  {exception.is_ended && <span className="tag">ended</span>}
                  <When iso={exception.expires_at} />
                </span>
              </td>
              <td className="row-action">
                {mayManage && (
                  <button type="button" className="button small danger" aria-label={`Delete the exception: ${exception.reason}`} onClick={() => setDeleting(exception)}>
                    Delete
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {deleting && <DeleteException exception={deleting} onClose={() => setDeleting(undefined)} />}
    </>
  )
}
