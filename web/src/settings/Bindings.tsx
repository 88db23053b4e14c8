import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plus, UserRound, UsersRound } from 'lucide-react'
import { useState } from 'react'
import { admin } from '../api/admin'
import type { Binding } from '../api/shapes'
import { useSigned } from '../session/me'
import { Confirm } from '../ui/Confirm'
import { Empty } from '../ui/Empty'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { GiveRole, useRightsAgain } from './GiveRole'
import { historyOf } from './History'
import { Tab } from './Tab'

export function BindingsTab() {
  const { rights } = useSigned()
  const again = useRightsAgain()
  const [isGiving, setIsGiving] = useState(false)
  const [taking, setTaking] = useState<Binding | undefined>()
  const bindings = useQuery({ queryKey: ['bindings'], queryFn: ({ signal }) => admin.bindings(signal) })
  const manages = rights.may('roles.manage')
  return (
    <Tab
      title="Bindings"
      lead="Who has what: every role that was given, to whom, where, and how far it reaches."
      need={['users.read']}
      history={historyOf(['role-binding'])}
      action={
        manages && (
          <button type="button" className="button primary" onClick={() => setIsGiving(true)}>
            <Plus size={14} aria-hidden /> Give a role
          </button>
        )
      }
    >
      <Loaded query={bindings}>
        {(list) =>
          list.length === 0 ? (
            <Empty Icon={UserRound} title="Nobody has a role">
              <p>Give one to a user or a group.</p>
            </Empty>
          ) : (
            <table className="page-table">
              <thead>
                <tr>
                  <th scope="col">Who</th>
                  <th scope="col">Role</th>
                  <th scope="col">Spaces</th>
                  <th scope="col">Only what matches</th>
                  <th scope="col">Given</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((binding) => (
                  <tr key={binding.id}>
                    <th scope="row" data-label="Who">
                      <span className="with-icon">
                        {binding.group === null ? <UserRound size={14} aria-label="user" /> : <UsersRound size={14} aria-label="group" />}
                        {binding.user === null ? (
                          binding.name
                        ) : (
                          <Link to="/settings/users" search={{ open: binding.user }} className="row-link">
                            {binding.name}
                          </Link>
                        )}
                      </span>
                    </th>
                    <td data-label="Role">
                      <span className={`tag${binding.role === 'administrator' ? ' tag-accent' : ''}`}>{binding.role}</span>
                    </td>
                    <td data-label="Spaces">{binding.spaces === undefined || binding.spaces.length === 0 ? <span className="muted">everywhere</span> : binding.spaces.join(', ')}</td>
                    <td data-label="Only">{binding.query === undefined ? <span className="muted">everything</span> : <code className="wrap">{binding.query}</code>}</td>
                    <td data-label="Given">
                      <span className="stacked">
                        <When iso={binding.created_at} />
                        {binding.origin === 'oidc' && <span className="muted small">by the identity provider</span>}
                      </span>
                    </td>
                    <td className="row-action">
                      {manages && binding.origin !== 'oidc' && (
                        <button type="button" className="button small danger" aria-label={`Take away ${binding.role} from ${binding.name}`} onClick={() => setTaking(binding)}>
                          Take away
                        </button>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
      {isGiving && <GiveRole subject={undefined} onClose={() => setIsGiving(false)} />}
      {taking && (
        <Confirm
          title={`Take ${taking.role} from ${taking.name}?`}
          action="Take it away"
          change={() => admin.deleteBinding(taking.id)}
          onClose={() => setTaking(undefined)}
          onDone={() => {
            again()
            notify(`${taking.name} is no longer ${taking.role}`)
            setTaking(undefined)
          }}
        >
          <p>What {taking.name} may do only through it stops within a second.</p>
        </Confirm>
      )}
    </Tab>
  )
}
