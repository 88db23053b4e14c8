import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { admin } from '../api/admin'
import { useChange } from '../session/change'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { notify } from '../ui/notice'
import { useQueryCheck } from './QueryField'
import { NO_ROLE, RoleChoice, roleOf } from './RoleChoice'

export type Subject = { user: string; name: string } | { group: string; name: string }

/** Everything that shows who has which role. */
export function useRightsAgain(): () => void {
  const client = useQueryClient()
  return () => {
    for (const key of ['users', 'groups', 'roles', 'bindings', 'access-review', 'history', 'me']) void client.invalidateQueries({ queryKey: [key] })
  }
}

/** Gives a role to a user or group; asks whom when it is not said. */
export function GiveRole({ subject, onClose }: { subject: Subject | undefined; onClose: () => void }) {
  const [draft, setDraft] = useState(NO_ROLE)
  const [chosen, setChosen] = useState('')
  const id = useId()
  const again = useRightsAgain()
  const users = useQuery({ queryKey: ['users'], queryFn: ({ signal }) => admin.users(signal), enabled: subject === undefined })
  const groups = useQuery({ queryKey: ['groups'], queryFn: ({ signal }) => admin.groups(signal), enabled: subject === undefined })
  const { problem } = useQueryCheck(draft.query)
  const [kind = '', given = ''] = subject === undefined ? chosen.split(' ') : 'user' in subject ? ['user', subject.user] : ['group', subject.group]
  const name = subject?.name ?? users.data?.find((user) => user.id === given)?.name ?? groups.data?.find((group) => group.id === given)?.name ?? ''
  const give = useChange({
    mutationFn: () => admin.createBinding({ ...roleOf(draft), [kind]: given }),
    onSuccess: () => {
      again()
      notify(`${name} is ${draft.role} now`)
      onClose()
    },
  })
  return (
    <Dialog title={subject === undefined ? 'Give a role' : `Give ${subject.name} a role`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          give.mutate()
        }}
      >
        {subject === undefined && (
          <div className="field">
            <label htmlFor={`${id}-who`}>To</label>
            <select id={`${id}-who`} className="field-input" required value={chosen} onChange={(event) => setChosen(event.target.value)}>
              <option value="">Choose a user or group</option>
              <optgroup label="Groups">
                {groups.data?.map((group) => (
                  <option key={group.id} value={`group ${group.id}`}>
                    {group.name}
                  </option>
                ))}
              </optgroup>
              <optgroup label="Users">
                {users.data?.map((user) => (
                  <option key={user.id} value={`user ${user.id}`}>
                    {user.name}
                  </option>
                ))}
              </optgroup>
            </select>
          </div>
        )}
        <RoleChoice value={draft} onChange={setDraft} />
        <ChangeError error={give.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={given === '' || problem !== undefined || give.isPending}>
            Give
          </button>
        </div>
      </form>
    </Dialog>
  )
}
