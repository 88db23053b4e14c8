import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { admin } from '../api/admin'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Once } from '../ui/Once'
import { Ago } from '../ui/When'
import { useQueryCheck } from './QueryField'
import { NO_ROLE, RoleChoice, roleOf } from './RoleChoice'

/** Invites somebody; the link is shown once, to be handed over. */
export function Invite({ onClose }: { onClose: () => void }) {
  const { rights } = useSigned()
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [displayName, setDisplayName] = useState('')
  const [draft, setDraft] = useState(NO_ROLE)
  const [chosen, setChosen] = useState<readonly string[]>([])
  const id = useId()
  const groups = useQuery({ queryKey: ['groups'], queryFn: ({ signal }) => admin.groups(signal) })
  const mayGive = rights.may('roles.manage')
  const { problem } = useQueryCheck(draft.query)
  const invite = useChange({
    mutationFn: () =>
      admin.invite({
        name: name.trim(),
        ...(displayName.trim() === '' ? {} : { display_name: displayName.trim() }),
        ...(mayGive ? { roles: [roleOf(draft)] } : {}),
        ...(chosen.length > 0 ? { groups: [...chosen] } : {}),
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['invitations'] }),
  })
  if (invite.data) {
    return (
      <Dialog title={`Invitation for ${invite.data.invitation.name}`} onClose={onClose}>
        <p className="banner">Copy it now: it is not shown again.</p>
        <Once text={invite.data.link} what="Link" testId="new-link" />
        <p className="muted">
          whodid sends no mail: hand the link over yourself, in a way that only they read. It works once and ends <Ago iso={invite.data.invitation.expires_at} />.
        </p>
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title="Invite somebody" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          invite.mutate()
        }}
      >
        <div className="field-pair">
          <div className="field">
            <label htmlFor={`${id}-name`}>Name to sign in with</label>
            <input id={`${id}-name`} type="text" className="field-input" required autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder="carol@example.com" value={name} onChange={(event) => setName(event.target.value)} />
          </div>
          <div className="field">
            <label htmlFor={`${id}-called`}>What people call them (optional)</label>
            <input id={`${id}-called`} type="text" className="field-input" maxLength={100} autoComplete="off" placeholder="Carol Jones" value={displayName} onChange={(event) => setDisplayName(event.target.value)} />
          </div>
        </div>
        {mayGive ? <RoleChoice value={draft} onChange={setDraft} /> : <p className="muted">They join as member. Who may manage roles can give them more.</p>}
        {groups.data && groups.data.length > 0 && (
          <fieldset className="check-grid">
            <legend>Groups (optional)</legend>
            {groups.data.map((group) => (
              <label key={group.id} className="check">
                <input type="checkbox" checked={chosen.includes(group.name)} onChange={(event) => setChosen(event.target.checked ? [...chosen, group.name] : chosen.filter((other) => other !== group.name))} />
                <span>{group.name}</span>
              </label>
            ))}
          </fieldset>
        )}
        <ChangeError error={invite.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={name.trim() === '' || problem !== undefined || invite.isPending}>
            Make the invitation
          </button>
        </div>
      </form>
    </Dialog>
  )
}
