import { useQuery, useQueryClient } from '@tanstack/react-query'
import { MailPlus, Plus } from 'lucide-react'
import { useState } from 'react'
import { admin } from '../api/admin'
import type { Invitation } from '../api/shapes'
import { useSigned } from '../session/me'
import { Confirm } from '../ui/Confirm'
import { Empty } from '../ui/Empty'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { historyOf } from './History'
import { Invite } from './Invite'
import { RoleTag } from './RoleTag'
import { Tab } from './Tab'

export function InvitationsTab() {
  const { rights } = useSigned()
  const client = useQueryClient()
  const [isInviting, setIsInviting] = useState(false)
  const [taking, setTaking] = useState<Invitation | undefined>()
  const invitations = useQuery({ queryKey: ['invitations'], queryFn: ({ signal }) => admin.invitations(signal) })
  const mayManage = rights.may('users.manage')
  return (
    <Tab
      title="Invitations"
      lead="Links that were handed over and not used yet. Each works once, for seven days."
      need={['users.read']}
      history={historyOf(['invitation'])}
      action={
        mayManage && (
          <button type="button" className="button primary" onClick={() => setIsInviting(true)}>
            <Plus size={14} aria-hidden /> Invite
          </button>
        )
      }
    >
      <Loaded query={invitations}>
        {(list) =>
          list.length === 0 ? (
            <Empty Icon={MailPlus} title="No open invitations">
              <p>Invite somebody and hand the link over. They choose their own password.</p>
            </Empty>
          ) : (
            <table className="page-table">
              <thead>
                <tr>
                  <th scope="col">For</th>
                  <th scope="col">Gets</th>
                  <th scope="col">Invited by</th>
                  <th scope="col">Made</th>
                  <th scope="col">Ends</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((invitation) => (
                  <tr key={invitation.id}>
                    <th scope="row" data-label="For">
                      <span className="stacked">
                        {invitation.name}
                        {invitation.display_name !== '' && <span className="muted small">{invitation.display_name}</span>}
                      </span>
                    </th>
                    <td data-label="Gets">
                      <span className="tags">
                        {invitation.roles.map((role) => (
                          <RoleTag key={role.role} role={role} />
                        ))}
                        {invitation.roles.length === 0 && <RoleTag role={{ role: 'member' }} />}
                        {invitation.groups.map((group) => (
                          <span key={group} className="tag tag-line">
                            group {group}
                          </span>
                        ))}
                      </span>
                    </td>
                    <td data-label="Invited by">{invitation.created_by}</td>
                    <td data-label="Made">
                      <When iso={invitation.created_at} />
                    </td>
                    <td data-label="Ends">
                      <When iso={invitation.expires_at} />
                    </td>
                    <td className="row-action">
                      {mayManage && (
                        <button type="button" className="button small danger" aria-label={`Take back the invitation of ${invitation.name}`} onClick={() => setTaking(invitation)}>
                          Take back
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
      {isInviting && <Invite onClose={() => setIsInviting(false)} />}
      {taking && (
        <Confirm
          title={`Take back the invitation of ${taking.name}?`}
          action="Take back"
          change={() => admin.deleteInvitation(taking.id)}
          onClose={() => setTaking(undefined)}
          onDone={() => {
            setTaking(undefined)
            notify('The invitation is taken back')
            void client.invalidateQueries({ queryKey: ['invitations'] })
          }}
        >
          <p>Its link stops working at once.</p>
        </Confirm>
      )}
    </Tab>
  )
}
