import { useId, useState } from 'react'
import { admin } from '../api/admin'
import type { UserEntry } from '../api/shapes'
import { listed } from '../keys/kinds'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { notify } from '../ui/notice'
import { useRightsAgain } from './GiveRole'

/** Names and ids that sources know the person by, so that My activity finds what they did there. */
export function AlsoKnownAs({ user }: { user: UserEntry }) {
  const { rights } = useSigned()
  const again = useRightsAgain()
  const [isOpen, setIsOpen] = useState(false)
  const [text, setText] = useState(user.also_known_as.join('\n'))
  const id = useId()
  const save = useChange({
    mutationFn: () => admin.updateUser(user.id, { also_known_as: listed(text) }),
    onSuccess: () => {
      again()
      notify(`The names of ${user.name} are saved`)
      setIsOpen(false)
    },
  })
  return (
    <section>
      <div className="panel-head">
        <h3>Also known as</h3>
        {rights.may('users.manage') && !isOpen && (
          <button type="button" className="link-button" onClick={() => setIsOpen(true)}>
            Change
          </button>
        )}
      </div>
      {isOpen ? (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            save.mutate()
          }}
        >
          <label className="visually-hidden" htmlFor={`${id}-names`}>
            Names and ids
          </label>
          <textarea id={`${id}-names`} className="field-input mono" rows={3} spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} placeholder={'IBMid-550001234\narn:aws:iam::123456789012:user/bob'} />
          <p className="field-hint">One a line. Events with such an initiator count as done by {user.name} on My activity.</p>
          <ChangeError error={save.error} />
          <div className="button-row">
            <button type="submit" className="button small primary" disabled={save.isPending}>
              Save
            </button>
            <button type="button" className="button small" onClick={() => setIsOpen(false)}>
              Cancel
            </button>
          </div>
        </form>
      ) : user.also_known_as.length === 0 ? (
        <p className="muted small">Only by the name above. Ids that sources use make My activity complete.</p>
      ) : (
        <ul className="names mono">
          {user.also_known_as.map((name) => (
            <li key={name}>{name}</li>
          ))}
        </ul>
      )}
    </section>
  )
}
