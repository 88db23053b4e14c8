/** Everything about one user, and everything that can be done about them. */
import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { hoverTime } from '../activity/time'
import { admin } from '../api/admin'
import type { HeldRole, UserEntry } from '../api/shapes'
import { useSigned } from '../session/me'
import { Confirm } from '../ui/Confirm'
import { useNow } from '../ui/hooks'
import { notify } from '../ui/notice'
import { Trouble } from '../ui/Trouble'
import { When } from '../ui/When'
import { AlsoKnownAs } from './AlsoKnownAs'
import { GiveRole, useRightsAgain } from './GiveRole'
import { History, historyOf } from './History'
import { RoleTag } from './RoleTag'
import { Side } from './Side'
import { UserDeeds } from './UserDeeds'
import { statesOf } from './userState'

export function UserDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const user = useQuery({ queryKey: ['users', id], queryFn: ({ signal }) => admin.user(id, signal) })
  const { rights } = useSigned()
  const known = user.data
  if (!known) {
    return (
      <Side label="User" title={user.isError ? 'User' : '…'} onClose={onClose}>
        {user.isError ? <Trouble error={user.error} onRetry={() => void user.refetch()} /> : <div className="drawer-skeleton" aria-hidden />}
      </Side>
    )
  }
  return (
    <Side label="User" title={known.name} sub={<Sub user={known} />} onClose={onClose}>
      <section>
        <h3>Signing in</h3>
        <dl className="rows">
          <Line name="Last sign-in">
            <When iso={known.last_signed_in_at} />
          </Line>
          <Line name="Last read events">
            <When iso={known.last_read_at} />
          </Line>
          <Line name="Password">{known.has_password ? 'set' : <span className="muted">{known.source === 'oidc' ? 'the identity provider’s' : 'none'}</span>}</Line>
          <Line name="Second factor">{known.has_mfa ? 'on' : <span className="muted">off</span>}</Line>
          <Line name="Sessions">{known.sessions === 0 ? <span className="muted">none running</span> : `${known.sessions} running`}</Line>
          <Line name="Comes from">{known.source === 'oidc' ? 'the identity provider' : 'this server'}{!known.is_home && <span className="muted"> · belongs to another account</span>}</Line>
          <Line name="Since">
            <When iso={known.created_at} />
          </Line>
        </dl>
      </section>
      <Roles user={known} />
      <section>
        <h3>Groups</h3>
        {known.groups.length === 0 ? <p className="muted small">In none.</p> : <p className="tags">{known.groups.map((group) => <span key={group} className="tag">{group}</span>)}</p>}
      </section>
      <AlsoKnownAs key={known.also_known_as.join()} user={known} />
      {rights.mayAny(['users.manage', 'sessions.manage']) && <UserDeeds user={known} onGone={onClose} />}
      {rights.may('audit.read') && (
        <section>
          <h3>History</h3>
          <History q={historyOf(['user', 'password', 'password-reset', 'mfa', 'session', 'role-binding'], known.id)} isCompact />
        </section>
      )}
    </Side>
  )
}

function Sub({ user }: { user: UserEntry }) {
  const states = statesOf(user, useNow())
  return (
    <>
      {[user.display_name, user.is_operator ? 'operator of the installation' : ''].filter((text) => text !== '' && text !== user.name).join(' · ')}
      {states.length > 0 && (
        <span className="tags">
          {states.map((state) => (
            <span key={state.word} className={`tag tag-${state.kind}`} title={state.at === null ? undefined : hoverTime(state.at)}>
              {state.word}
            </span>
          ))}
        </span>
      )}
    </>
  )
}

export function Line({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Roles({ user }: { user: UserEntry }) {
  const { rights } = useSigned()
  const again = useRightsAgain()
  const [isGiving, setIsGiving] = useState(false)
  const [taking, setTaking] = useState<HeldRole | undefined>()
  const mayManage = rights.may('roles.manage')
  return (
    <section>
      <div className="panel-head">
        <h3>Roles</h3>
        {mayManage && (
          <button type="button" className="link-button" onClick={() => setIsGiving(true)}>
            <Plus size={12} aria-hidden /> Give a role
          </button>
        )}
      </div>
      {user.roles.length === 0 ? (
        <p className="muted small">None: they see nothing in this account.</p>
      ) : (
        <ul className="held-roles">
          {user.roles.map((role) => (
            <li key={role.binding}>
              <RoleTag role={{ ...role, group: null }} />
              <span className="muted small">{role.group === null ? 'direct' : 'by a group'}</span>
              <span className="spring" />
              {mayManage && role.group === null && (
                <button type="button" className="link-button" aria-label={`Take away ${role.role} from ${user.name}`} onClick={() => setTaking(role)}>
                  Take away
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {isGiving && <GiveRole subject={{ user: user.id, name: user.name }} onClose={() => setIsGiving(false)} />}
      {taking && (
        <Confirm
          title={`Take ${taking.role} from ${user.name}?`}
          action="Take it away"
          change={() => admin.deleteBinding(taking.binding)}
          onClose={() => setTaking(undefined)}
          onDone={() => {
            again()
            setTaking(undefined)
            notify(`${user.name} is no longer ${taking.role}`)
          }}
        >
          <p>What {user.name} may do only through it stops within a second.</p>
        </Confirm>
      )}
    </section>
  )
}
