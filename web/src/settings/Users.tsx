import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ClipboardCheck, Plus, ShieldCheck, UsersRound } from 'lucide-react'
import { useState } from 'react'
import { hoverTime } from '../activity/time'
import { admin } from '../api/admin'
import type { UserEntry } from '../api/shapes'
import { useSigned } from '../session/me'
import { Empty } from '../ui/Empty'
import { useNow } from '../ui/hooks'
import { Loaded } from '../ui/Loaded'
import { When } from '../ui/When'
import { historyOf } from './History'
import { Invite } from './Invite'
import { RoleTag } from './RoleTag'
import { Tab, useTab } from './Tab'
import { UserDrawer } from './UserDrawer'
import { statesOf } from './userState'

const ROLES_SHOWN = 3
/** Below this a list is read faster than it is searched. */
const FIND_FROM = 8

export function UsersTab() {
  const { rights } = useSigned()
  const { open, setOpen } = useTab()
  const [isInviting, setIsInviting] = useState(false)
  const [typed, setTyped] = useState('')
  const users = useQuery({ queryKey: ['users'], queryFn: ({ signal }) => admin.users(signal) })
  return (
    <>
      <Tab
        title="Users"
        lead="Who can sign in to this account. Open somebody to see and change everything about them."
        need={['users.read']}
        history={`${historyOf(['user', 'password', 'password-reset', 'mfa'])} -action:==[whodid.user.authenticate,whodid.mfa.authenticate]`}
        action={
          <>
            <Link to="/settings/access-review" search={{}} className="button">
              <ClipboardCheck size={14} aria-hidden /> Access review
            </Link>
            {rights.may('users.manage') && (
              <button type="button" className="button primary" onClick={() => setIsInviting(true)}>
                <Plus size={14} aria-hidden /> Invite
              </button>
            )}
          </>
        }
      >
        <Loaded query={users}>
          {(list) => {
            const found = list.filter((user) => `${user.name} ${user.display_name} ${user.also_known_as.join(' ')}`.toLowerCase().includes(typed.trim().toLowerCase()))
            return (
              <>
                {list.length >= FIND_FROM && <input type="search" className="field-input find-box" aria-label="Find a user" placeholder={`Find among ${list.length} users`} value={typed} onChange={(event) => setTyped(event.target.value)} />}
                {found.length === 0 ? (
                  <Empty Icon={UsersRound} title="Nobody has that name">
                    <p>Names, readable names and other names that sources use are searched.</p>
                  </Empty>
                ) : (
                  <UserTable users={found} open={open} onOpen={setOpen} />
                )}
              </>
            )
          }}
        </Loaded>
        {isInviting && <Invite onClose={() => setIsInviting(false)} />}
      </Tab>
      {open !== undefined && rights.may('users.read') && <UserDrawer key={open} id={open} onClose={() => setOpen(undefined)} />}
    </>
  )
}

function UserTable({ users, open, onOpen }: { users: UserEntry[]; open: string | undefined; onOpen: (id: string) => void }) {
  const now = useNow()
  return (
    <table className="page-table users-table">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Roles</th>
          <th scope="col">Second factor</th>
          <th scope="col">Last sign-in</th>
          <th scope="col" className="number">
            Sessions
          </th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {users.map((user) => (
          <tr key={user.id} className={`clickable${user.disabled_at === null ? '' : ' dimmed'}${open === user.id ? ' chosen' : ''}`} onClick={() => onOpen(user.id)}>
            <th scope="row" data-label="Name">
              <span className="stacked">
                <button
                  type="button"
                  className="row-link"
                  onClick={(event) => {
                    event.stopPropagation()
                    onOpen(user.id)
                  }}
                >
                  {user.name}
                </button>
                {user.display_name !== '' && user.display_name !== user.name && <span className="muted small">{user.display_name}</span>}
              </span>
            </th>
            <td data-label="Roles">
              <span className="tags">
                {user.roles.length === 0 && <span className="muted">none</span>}
                {user.roles.slice(0, ROLES_SHOWN).map((role) => (
                  <RoleTag key={role.binding} role={role} />
                ))}
                {user.roles.length > ROLES_SHOWN && <span className="muted small">and {user.roles.length - ROLES_SHOWN} more</span>}
              </span>
            </td>
            <td data-label="Second factor">
              {user.has_mfa ? (
                <span className="good">
                  <ShieldCheck size={14} aria-hidden /> on
                </span>
              ) : (
                <span className="muted">off</span>
              )}
            </td>
            <td data-label="Last sign-in">
              <When iso={user.last_signed_in_at} />
            </td>
            <td data-label="Sessions" className="number">
              {user.sessions}
            </td>
            <td data-label="State">
              <span className="tags">
                {statesOf(user, now).map((state) => (
                  <span key={state.word} className={`tag tag-${state.kind}`} title={state.at === null ? undefined : hoverTime(state.at)}>
                    {state.word}
                  </span>
                ))}
                {statesOf(user, now).length === 0 && <span className="muted">active</span>}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
