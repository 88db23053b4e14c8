import { Check, UserRound, UserRoundX } from 'lucide-react'
import { Popover } from 'radix-ui'
import { useState, type ReactNode } from 'react'
import { useSigned } from '../session/me'
import { labelOf, usePeople } from './people'

const SHOWN = 8

interface AssignPickerProps {
  /** Whose it is now. */
  current: string | null | undefined
  onAssign: (to: string | undefined) => void
  /** The button that opens it. */
  children: ReactNode
}

/** Me, or somebody of the account. Who may not see whom there is types the name, and the server knows it or not. */
export function AssignPicker({ current, onAssign, children }: AssignPickerProps) {
  const { rights } = useSigned()
  const { me, users, mine } = usePeople()
  const seesUsers = rights.may('users.read')
  const [isOpen, setIsOpen] = useState(false)
  const [typed, setTyped] = useState('')
  const wanted = typed.trim().toLowerCase()
  const others = users.filter((user) => user.id !== me.user.id).map((user) => ({ label: labelOf(user), name: user.name, called: user.display_name }))
  const found = [{ label: labelOf(me.user), name: me.user.name, called: 'me' }, ...others].filter((user) => `${user.name} ${user.called}`.toLowerCase().includes(wanted))
  const isTyped = !seesUsers && wanted !== '' && !found.some((user) => user.name.toLowerCase() === wanted)
  const choose = (to: string | undefined): void => {
    setIsOpen(false)
    setTyped('')
    onAssign(to)
  }
  const [first] = found
  return (
    <Popover.Root open={isOpen} onOpenChange={setIsOpen}>
      <Popover.Trigger asChild>{children}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover assign-popover" align="end" sideOffset={6} aria-label="Give it to">
          <form
            onSubmit={(event) => {
              event.preventDefault()
              if (isTyped) choose(typed.trim())
              else if (wanted !== '' && first) choose(first.label)
            }}
          >
            <input type="text" className="field-input" aria-label="Whom" placeholder={seesUsers ? 'Find somebody' : 'The name of a member'} autoComplete="off" maxLength={200} value={typed} onChange={(event) => setTyped(event.target.value)} />
          </form>
          <ul className="assign-list">
            {found.slice(0, SHOWN).map((user) => (
              <li key={user.label}>
                <button type="button" onClick={() => choose(user.label)}>
                  <UserRound size={14} aria-hidden />
                  <span className="assign-name">{user.called === 'me' ? 'Me' : user.name}</span>
                  {user.called !== 'me' && user.called !== user.name && <span className="muted small">{user.called}</span>}
                  {(user.label === current || (user.called === 'me' && mine(current ?? null))) && <Check size={13} aria-label="has it" />}
                </button>
              </li>
            ))}
            {isTyped && (
              <li>
                <button type="button" onClick={() => choose(typed.trim())}>
                  <UserRound size={14} aria-hidden />
                  <span className="assign-name">Give it to “{typed.trim()}”</span>
                </button>
              </li>
            )}
            {current !== null && wanted === '' && (
              <li>
                <button type="button" onClick={() => choose(undefined)}>
                  <UserRoundX size={14} aria-hidden />
                  <span className="assign-name">Nobody in particular</span>
                </button>
              </li>
            )}
          </ul>
          {found.length === 0 && !isTyped && <p className="muted small">Nobody in this account is called so</p>}
          {found.length > SHOWN && <p className="muted small">{found.length - SHOWN} more: type a part of the name</p>}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}
