import { useQuery } from '@tanstack/react-query'
import { Plus, UsersRound } from 'lucide-react'
import { useId, useState } from 'react'
import { admin } from '../api/admin'
import type { Group } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Empty } from '../ui/Empty'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { GiveRole, useRightsAgain } from './GiveRole'
import { historyOf } from './History'
import { RoleTag } from './RoleTag'
import { Tab } from './Tab'

const MEMBERS_SHOWN = 6

export function GroupsTab() {
  const { rights } = useSigned()
  const again = useRightsAgain()
  const [asked, setAsked] = useState<{ what: 'edit' | 'give' | 'delete'; group: Group } | 'create' | undefined>()
  const groups = useQuery({ queryKey: ['groups'], queryFn: ({ signal }) => admin.groups(signal) })
  const close = (): void => setAsked(undefined)
  const manages = rights.may('users.manage')
  return (
    <Tab
      title="Groups"
      lead="Users who get roles together. Who joins a group has its roles at once, and loses them on leaving."
      need={['users.read']}
      history={historyOf(['group'])}
      action={
        manages && (
          <button type="button" className="button primary" onClick={() => setAsked('create')}>
            <Plus size={14} aria-hidden /> Make a group
          </button>
        )
      }
    >
      <Loaded query={groups}>
        {(list) =>
          list.length === 0 ? (
            <Empty Icon={UsersRound} title="No groups yet">
              <p>Make one for each team; then give roles to the group, not to every member.</p>
            </Empty>
          ) : (
            <table className="page-table">
              <thead>
                <tr>
                  <th scope="col">Group</th>
                  <th scope="col">Roles</th>
                  <th scope="col">Members</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((group) => (
                  <tr key={group.id}>
                    <th scope="row" data-label="Group">
                      <span className="stacked">
                        {group.name}
                        {group.description !== '' && <span className="muted small">{group.description}</span>}
                      </span>
                    </th>
                    <td data-label="Roles">
                      <span className="tags">
                        {group.roles.length === 0 && <span className="muted">none</span>}
                        {group.roles.map((role) => (
                          <RoleTag key={role.binding} role={{ ...role, group: null }} />
                        ))}
                      </span>
                    </td>
                    <td data-label="Members">
                      {group.members.length === 0 ? (
                        <span className="muted">nobody</span>
                      ) : (
                        <>
                          {group.members.slice(0, MEMBERS_SHOWN).map((member) => member.name).join(', ')}
                          {group.members.length > MEMBERS_SHOWN && <span className="muted"> and {group.members.length - MEMBERS_SHOWN} more</span>}
                        </>
                      )}
                    </td>
                    <td className="row-action">
                      <span className="row-buttons">
                        {rights.may('roles.manage') && (
                          <button type="button" className="button small" aria-label={`Give a role to ${group.name}`} onClick={() => setAsked({ what: 'give', group })}>
                            Give a role
                          </button>
                        )}
                        {manages && (
                          <>
                            <button type="button" className="button small" aria-label={`Change ${group.name}`} onClick={() => setAsked({ what: 'edit', group })}>
                              Change
                            </button>
                            <button type="button" className="button small danger" aria-label={`Delete ${group.name}`} onClick={() => setAsked({ what: 'delete', group })}>
                              Delete
                            </button>
                          </>
                        )}
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
      {asked === 'create' && <EditGroup onClose={close} />}
      {typeof asked === 'object' && asked.what === 'edit' && <EditGroup group={asked.group} onClose={close} />}
      {typeof asked === 'object' && asked.what === 'give' && <GiveRole subject={{ group: asked.group.id, name: asked.group.name }} onClose={close} />}
      {typeof asked === 'object' && asked.what === 'delete' && (
        <Confirm
          title={`Delete ${asked.group.name}?`}
          action="Delete"
          change={() => admin.deleteGroup(asked.group.id)}
          onClose={close}
          onDone={() => {
            again()
            notify(`${asked.group.name} is deleted`)
            close()
          }}
        >
          <p>{asked.group.members.length === 0 ? 'It has no members.' : `Its ${asked.group.members.length === 1 ? 'member loses' : `${asked.group.members.length} members lose`} what they had through it.`}</p>
        </Confirm>
      )}
    </Tab>
  )
}

function EditGroup({ group, onClose }: { group?: Group; onClose: () => void }) {
  const again = useRightsAgain()
  const before = group?.members.map((member) => member.id) ?? []
  const [name, setName] = useState(group?.name ?? '')
  const [description, setDescription] = useState(group?.description ?? '')
  const [members, setMembers] = useState<readonly string[]>(before)
  const id = useId()
  const users = useQuery({ queryKey: ['users'], queryFn: ({ signal }) => admin.users(signal) })
  const save = useChange({
    mutationFn: () =>
      group
        ? admin.updateGroup(group.id, { name: name.trim(), description: description.trim(), add: members.filter((member) => !before.includes(member)), remove: before.filter((member) => !members.includes(member)) })
        : admin.createGroup({ name: name.trim(), description: description.trim(), members: [...members] }),
    onSuccess: () => {
      again()
      notify(`${name.trim()} is ${group ? 'changed' : 'made'}`)
      onClose()
    },
  })
  return (
    <Dialog title={group ? `Change ${group.name}` : 'Make a group'} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <label htmlFor={`${id}-name`}>Name</label>
        <input id={`${id}-name`} type="text" maxLength={100} required autoComplete="off" placeholder="security team" value={name} onChange={(event) => setName(event.target.value)} />
        <label htmlFor={`${id}-what`}>What it is for (optional)</label>
        <input id={`${id}-what`} type="text" autoComplete="off" value={description} onChange={(event) => setDescription(event.target.value)} />
        <fieldset className="check-grid tall">
          <legend>Members</legend>
          {users.data?.map((user) => (
            <label key={user.id} className="check">
              <input type="checkbox" checked={members.includes(user.id)} onChange={(event) => setMembers(event.target.checked ? [...members, user.id] : members.filter((other) => other !== user.id))} />
              <span>{user.name}</span>
            </label>
          ))}
        </fieldset>
        <ChangeError error={save.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={name.trim() === '' || save.isPending}>
            {group ? 'Save' : 'Make it'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
