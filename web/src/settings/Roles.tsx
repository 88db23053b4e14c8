import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useId, useState } from 'react'
import { admin } from '../api/admin'
import type { PermissionInfo, Role } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { useRightsAgain } from './GiveRole'
import { historyOf } from './History'
import { Tab } from './Tab'

export function RolesTab() {
  const { rights } = useSigned()
  const again = useRightsAgain()
  const [asked, setAsked] = useState<{ what: 'edit' | 'delete'; role: Role } | 'create' | undefined>()
  const roles = useQuery({ queryKey: ['roles'], queryFn: ({ signal }) => admin.roles(signal), staleTime: 60_000 })
  const close = (): void => setAsked(undefined)
  const manages = rights.may('roles.manage')
  return (
    <Tab
      title="Roles"
      lead="Sets of permissions. Those that every account has cannot be changed; make your own beside them."
      need={['users.read']}
      history={historyOf(['role'])}
      action={
        manages && (
          <button type="button" className="button primary" onClick={() => setAsked('create')}>
            <Plus size={14} aria-hidden /> Make a role
          </button>
        )
      }
    >
      <Loaded query={roles}>
        {({ roles: list, permissions }) => (
          <>
            <ul className="role-cards">
              {list.map((role) => (
                <li key={role.name} className="role-card">
                  <div className="role-head">
                    <h2>{role.name}</h2>
                    {role.is_built_in && <span className="tag">built in</span>}
                    <span className="muted small">{role.bindings === 0 ? 'nobody has it' : role.bindings === 1 ? 'given once' : `given ${role.bindings} times`}</span>
                    <span className="spring" />
                    {manages && !role.is_built_in && (
                      <span className="row-buttons">
                        <button type="button" className="button small" aria-label={`Change ${role.name}`} onClick={() => setAsked({ what: 'edit', role })}>
                          Change
                        </button>
                        <button type="button" className="button small danger" aria-label={`Delete ${role.name}`} disabled={role.bindings > 0} title={role.bindings > 0 ? 'Take it from everybody first' : undefined} onClick={() => setAsked({ what: 'delete', role })}>
                          Delete
                        </button>
                      </span>
                    )}
                  </div>
                  {role.description !== '' && <p className="muted">{role.description}</p>}
                  <p className="permissions mono">{role.permissions.length === permissions.length ? 'every permission' : role.permissions.join('  ')}</p>
                </li>
              ))}
            </ul>
            <details className="meanings">
              <summary>What each permission means</summary>
              <dl className="rows">
                {permissions.map((permission) => (
                  <div key={permission.name}>
                    <dt className="mono">{permission.name}</dt>
                    <dd>{permission.meaning}</dd>
                  </div>
                ))}
              </dl>
            </details>
            {(asked === 'create' || (typeof asked === 'object' && asked.what === 'edit')) && <EditRole role={typeof asked === 'object' ? asked.role : undefined} permissions={permissions} onClose={close} />}
          </>
        )}
      </Loaded>
      {typeof asked === 'object' && asked.what === 'delete' && (
        <Confirm
          title={`Delete ${asked.role.name}?`}
          action="Delete"
          change={() => admin.deleteRole(asked.role.name)}
          onClose={close}
          onDone={() => {
            again()
            notify(`${asked.role.name} is deleted`)
            close()
          }}
        >
          <p>Nobody has it, so nobody loses anything.</p>
        </Confirm>
      )}
    </Tab>
  )
}

function EditRole({ role, permissions, onClose }: { role: Role | undefined; permissions: PermissionInfo[]; onClose: () => void }) {
  const { rights } = useSigned()
  const again = useRightsAgain()
  const [name, setName] = useState(role?.name ?? '')
  const [description, setDescription] = useState(role?.description ?? '')
  const [chosen, setChosen] = useState<readonly string[]>(role?.permissions ?? ['own-activity.read'])
  const id = useId()
  const all = permissions.map((permission) => permission.name).filter((permission) => chosen.includes(permission))
  const save = useChange({
    mutationFn: () => (role ? admin.updateRole(role.name, { description: description.trim(), permissions: all }) : admin.createRole({ name: name.trim(), description: description.trim(), permissions: all })),
    onSuccess: () => {
      again()
      notify(`${name} is ${role ? 'changed' : 'made'}`)
      onClose()
    },
  })
  const mine = rights.membership?.permissions ?? []
  return (
    <Dialog title={role ? `Change ${role.name}` : 'Make a role'} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        {!role && (
          <>
            <label htmlFor={`${id}-name`}>Name</label>
            <input id={`${id}-name`} type="text" className="mono" maxLength={40} pattern="[a-z0-9-]+" required autoComplete="off" spellCheck={false} placeholder="kms-reader" value={name} onChange={(event) => setName(event.target.value.toLowerCase().replace(/[^a-z0-9-]/g, '-'))} />
          </>
        )}
        <label htmlFor={`${id}-what`}>What it is for</label>
        <input id={`${id}-what`} type="text" autoComplete="off" value={description} onChange={(event) => setDescription(event.target.value)} />
        <fieldset className="permission-list">
          <legend>Permits</legend>
          {permissions.map((permission) => {
            const may = mine.includes(permission.name)
            return (
              <label key={permission.name} className={`check${may ? '' : ' dimmed'}`} title={may ? undefined : 'You may not do this yourself'}>
                <input type="checkbox" disabled={!may && !chosen.includes(permission.name)} checked={chosen.includes(permission.name)} onChange={(event) => setChosen(event.target.checked ? [...chosen, permission.name] : chosen.filter((other) => other !== permission.name))} />
                <span>
                  <span className="mono">{permission.name}</span>
                  <span className="muted small block">{permission.meaning}</span>
                </span>
              </label>
            )
          })}
        </fieldset>
        <ChangeError error={save.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={(!role && name === '') || all.length === 0 || save.isPending}>
            {role ? 'Save' : 'Make it'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
