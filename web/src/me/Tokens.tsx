/** Personal tokens: for scripts that act as their owner, with at most the owner's rights. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useId, useState } from 'react'
import { own } from '../api/own'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { KeyMade } from '../keys/KeyMade'
import { KeyTable } from '../keys/KeyTable'
import { EXPIRIES } from '../keys/kinds'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Loaded } from '../ui/Loaded'

export function Tokens() {
  const client = useQueryClient()
  const [isMaking, setIsMaking] = useState(false)
  const tokens = useQuery({ queryKey: ['own-tokens'], queryFn: ({ signal }) => own.tokens(signal) })
  const again = (): void => void client.invalidateQueries({ queryKey: ['own-tokens'] })
  return (
    <section className="panel" aria-labelledby="tokens">
      <div className="panel-head">
        <h2 id="tokens">Personal tokens</h2>
        <button type="button" className="button small" onClick={() => setIsMaking(true)}>
          <Plus size={13} aria-hidden /> Make a token
        </button>
      </div>
      <p className="muted">For scripts that act in your name. What they do is recorded as done by you, with this token.</p>
      <Loaded query={tokens}>
        {(list) =>
          list.length === 0 ? (
            <p className="empty-line">
              <KeyRound size={15} aria-hidden /> You have none. Services should use keys of the account instead.
            </p>
          ) : (
            <KeyTable keys={list} showKind={false} deeds={{ update: own.updateToken, rotate: own.rotateToken, revoke: own.revokeToken, again }} />
          )
        }
      </Loaded>
      {isMaking && <MakeToken onMade={again} onClose={() => setIsMaking(false)} />}
    </section>
  )
}

function MakeToken({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const { rights } = useSigned()
  const [name, setName] = useState('')
  const [expires, setExpires] = useState('90d')
  const [isSubset, setIsSubset] = useState(false)
  const [chosen, setChosen] = useState<readonly string[]>([])
  const id = useId()
  const mine = rights.membership?.permissions ?? []
  const make = useChange({
    mutationFn: () => own.createToken({ name: name.trim(), ...(expires === '' ? {} : { expires }), ...(isSubset ? { permissions: mine.filter((permission) => chosen.includes(permission)) } : {}) }),
    onSuccess: onMade,
  })
  if (make.data) return <KeyMade made={make.data} onClose={onClose} />
  return (
    <Dialog title="Make a personal token" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate()
        }}
      >
        <label htmlFor={`${id}-name`}>Name</label>
        <input id={`${id}-name`} type="text" maxLength={100} required autoComplete="off" placeholder="what it is for: nightly report" value={name} onChange={(event) => setName(event.target.value)} />
        <label htmlFor={`${id}-expires`}>Stops working</label>
        <select id={`${id}-expires`} className="field-input" value={expires} onChange={(event) => setExpires(event.target.value)}>
          {EXPIRIES.map(([value, label]) => (
            <option key={value} value={value}>
              {value === '' ? label : `in ${label}`}
            </option>
          ))}
        </select>
        <fieldset className="radio-list">
          <legend>May do</legend>
          <label>
            <input type="radio" name="rights" checked={!isSubset} onChange={() => setIsSubset(false)} />
            <span>
              <strong>Everything that you may do</strong>
              <span className="muted small">and whatever you may do later</span>
            </span>
          </label>
          <label>
            <input type="radio" name="rights" checked={isSubset} onChange={() => setIsSubset(true)} />
            <span>
              <strong>Only some of it</strong>
              <span className="muted small">so that little is lost when the token is</span>
            </span>
          </label>
        </fieldset>
        {isSubset && (
          <fieldset className="check-grid">
            <legend className="visually-hidden">Permissions</legend>
            {mine.map((permission) => (
              <label key={permission} className="check">
                <input type="checkbox" checked={chosen.includes(permission)} onChange={(event) => setChosen(event.target.checked ? [...chosen, permission] : chosen.filter((other) => other !== permission))} />
                <span className="mono">{permission}</span>
              </label>
            ))}
          </fieldset>
        )}
        <ChangeError error={make.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={name.trim() === '' || make.isPending || (isSubset && chosen.length === 0)}>
            Make
          </button>
        </div>
      </form>
    </Dialog>
  )
}
