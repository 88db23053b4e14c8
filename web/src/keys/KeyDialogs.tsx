/** Rotating, revoking and changing a key, whichever kind. */
import { useId, useState } from 'react'
import { ago } from '../activity/time'
import type { Key, KeyCreated, KeyUpdate } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { notify } from '../ui/notice'
import { KeyMade } from './KeyMade'
import { EXPIRIES, OVERLAPS } from './kinds'
import { ScopeFields, scopeOf, scopeText } from './ScopeFields'

/** What can be done to a key, by its administrators or by its owner. */
export interface KeyDeeds {
  update: (id: string, body: KeyUpdate) => Promise<Key>
  rotate: (id: string, overlap: string) => Promise<KeyCreated>
  revoke: (id: string) => Promise<unknown>
  /** Loads the list anew. */
  again: () => void
}

interface DialogProps {
  target: Key
  deeds: KeyDeeds
  onClose: () => void
}

export function RevokeKey({ target, deeds, onClose }: DialogProps) {
  return (
    <Confirm
      title={`Revoke “${target.name}”?`}
      action="Revoke"
      keep="Keep it"
      change={() => deeds.revoke(target.id)}
      onClose={onClose}
      onDone={() => {
        deeds.again()
        notify(`“${target.name}” is revoked`)
        onClose()
      }}
    >
      <p>
        Whatever uses <code>{target.masked}</code> is refused from now on. This cannot be undone; a new one takes its place.
      </p>
      <p className="muted">{target.last_used_at === null ? 'It was never used.' : `It was last used ${ago(target.last_used_at)}${target.last_used_from === null ? '' : ` from ${target.last_used_from}`}.`}</p>
    </Confirm>
  )
}

export function RotateKey({ target, deeds, onClose }: DialogProps) {
  const [overlap, setOverlap] = useState('24h')
  const id = useId()
  const rotate = useChange({ mutationFn: () => deeds.rotate(target.id, overlap), onSuccess: deeds.again })
  const words = OVERLAPS.find(([value]) => value === overlap)?.[1] ?? overlap
  if (rotate.data) return <KeyMade made={rotate.data} note={`The old one works on for ${words}. Change over whatever uses it by then.`} onClose={onClose} />
  return (
    <Dialog title={`Rotate “${target.name}”`} className="dialog-small" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          rotate.mutate()
        }}
      >
        <p>A successor with the same name and limits is made. The old one works on for a while, so that nothing stops while you change over.</p>
        <label htmlFor={`${id}-overlap`}>The old one works on for</label>
        <select id={`${id}-overlap`} className="field-input" value={overlap} onChange={(event) => setOverlap(event.target.value)}>
          {OVERLAPS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <ChangeError error={rotate.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={rotate.isPending}>
            Rotate
          </button>
        </div>
      </form>
    </Dialog>
  )
}

const KEEP = 'keep'

export function EditKey({ target, deeds, onClose }: DialogProps) {
  const [name, setName] = useState(target.name)
  const [expires, setExpires] = useState(KEEP)
  const [scope, setScope] = useState(() => scopeText(target.scope))
  const id = useId()
  const update = useChange({
    mutationFn: () => deeds.update(target.id, { ...(name.trim() !== target.name ? { name: name.trim() } : {}), ...(expires === KEEP ? {} : { expires: expires === '' ? 'never' : expires }), scope: scopeOf(scope) }),
    onSuccess: () => {
      deeds.again()
      notify(`“${name.trim()}” is changed`)
      onClose()
    },
  })
  return (
    <Dialog title={`Change “${target.name}”`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          update.mutate()
        }}
      >
        <label htmlFor={`${id}-name`}>Name</label>
        <input id={`${id}-name`} type="text" maxLength={100} required autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
        <label htmlFor={`${id}-expires`}>Stops working</label>
        <select id={`${id}-expires`} className="field-input" value={expires} onChange={(event) => setExpires(event.target.value)}>
          <option value={KEEP}>{target.expires_at === null ? 'never, as now' : `${ago(target.expires_at)}, as now`}</option>
          {EXPIRIES.map(([value, label]) => (
            <option key={value} value={value}>
              {value === '' ? label : `in ${label}`}
            </option>
          ))}
        </select>
        <ScopeFields value={scope} onChange={setScope} />
        <ChangeError error={update.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={name.trim() === '' || update.isPending}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  )
}
