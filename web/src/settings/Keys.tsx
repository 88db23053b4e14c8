/** Keys for machines: ingestion keys only write, service keys only read. A key's text is shown once. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useId, useState } from 'react'
import { admin } from '../api/admin'
import { isProblem } from '../api/problem'
import { KeyMade } from '../keys/KeyMade'
import { KeyTable } from '../keys/KeyTable'
import { EXPIRIES, KINDS } from '../keys/kinds'
import { ScopeFields, scopeOf, scopeText } from '../keys/ScopeFields'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Empty } from '../ui/Empty'
import { Loaded } from '../ui/Loaded'
import { historyOf } from './History'
import { Tab } from './Tab'

export function KeysTab() {
  const { rights } = useSigned()
  const client = useQueryClient()
  const [isCreating, setIsCreating] = useState(false)
  const [isAll, setIsAll] = useState(false)
  const keys = useQuery({ queryKey: ['keys'], queryFn: ({ signal }) => admin.keys(signal) })
  const again = (): void => void client.invalidateQueries({ queryKey: ['keys'] })
  const mayManage = rights.may('keys.manage')
  return (
    <Tab
      title="Keys"
      lead="For services and scripts. Only a hash is stored, so a key’s text is shown once, when it is made."
      need={['keys.read']}
      history={historyOf(['ingestion-key', 'service-key'])}
      action={
        mayManage && (
          <button type="button" className="button primary" onClick={() => setIsCreating(true)}>
            <Plus size={14} aria-hidden /> Create key
          </button>
        )
      }
    >
      <Loaded query={keys}>
        {(list) => {
          const working = list.filter((key) => key.revoked_at === null)
          const gone = list.length - working.length
          // What was just revoked is seen as such before it is put away.
          const shown = isAll || gone < 5 ? list : working
          return list.length === 0 ? (
            <Empty Icon={KeyRound} title="No keys yet">
              <p>{mayManage ? 'Make an ingestion key to send events with one line of curl.' : 'Somebody who may manage keys makes the first.'}</p>
            </Empty>
          ) : (
            <>
              <KeyTable keys={shown} showKind deeds={mayManage ? { update: admin.updateKey, rotate: admin.rotateKey, revoke: admin.revokeKey, again } : undefined} />
              {gone >= 5 && (
                <button type="button" className="link-button" onClick={() => setIsAll(!isAll)}>
                  {isAll ? 'Hide revoked keys' : `Show ${gone} revoked keys`}
                </button>
              )}
            </>
          )
        }}
      </Loaded>
      {isCreating && <CreateKey onMade={again} onClose={() => setIsCreating(false)} />}
    </Tab>
  )
}

function CreateKey({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const [kind, setKind] = useState<'ingestion' | 'service'>('ingestion')
  const [name, setName] = useState('')
  const [expires, setExpires] = useState('')
  const [scope, setScope] = useState(scopeText)
  const id = useId()
  const create = useChange({
    mutationFn: () => admin.createKey({ kind, name: name.trim(), scope: scopeOf(scope), ...(expires === '' ? {} : { expires }) }),
    onSuccess: onMade,
  })
  if (create.data) return <KeyMade made={create.data} onClose={onClose} />
  return (
    <Dialog title="Create key" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <label htmlFor={`${id}-name`}>Name</label>
        <input id={`${id}-name`} type="text" value={name} maxLength={100} required autoComplete="off" placeholder="what it is for: kubernetes audit webhook" onChange={(event) => setName(event.target.value)} />
        <fieldset className="radio-list">
          <legend>Kind</legend>
          {(['ingestion', 'service'] as const).map((option) => (
            <label key={option}>
              <input type="radio" name="kind" checked={kind === option} onChange={() => setKind(option)} />
              <span>
                <strong>{KINDS[option].label}</strong>
                <span className="muted small">{KINDS[option].what}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <label htmlFor={`${id}-expires`}>Stops working</label>
        <select id={`${id}-expires`} className="field-input" value={expires} onChange={(event) => setExpires(event.target.value)}>
          {EXPIRIES.map(([value, label]) => (
            <option key={value} value={value}>
              {value === '' ? label : `in ${label}`}
            </option>
          ))}
        </select>
        <details className="more-fields">
          <summary>Limit it to sources, spaces or streams</summary>
          <ScopeFields value={scope} onChange={setScope} />
        </details>
        <ChangeError error={create.error} />
        {isProblem(create.error, 'limit_reached') && <p className="muted small">Revoke a key that nobody uses, or let an administrator raise “keys of a kind” under Settings, Account.</p>}
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={name.trim() === '' || create.isPending}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  )
}
