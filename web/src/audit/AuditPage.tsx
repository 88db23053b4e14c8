/** The audit log: what was done in and on whodid itself, prepared for administrators. */
import { getRouteApi } from '@tanstack/react-router'
import { Explorer } from '../activity/Explorer'
import type { Preset } from '../activity/preset'
import { Gate } from '../session/Gate'

const route = getRouteApi('/shell/audit')

const kinds = (...objects: string[]): string => `target.typeURI:==[${objects.map((object) => `whodid/${object}`).join(',')}]`

const AUDIT: Preset = {
  title: 'Audit log',
  path: '/audit',
  stream: 'audit',
  lead: 'What was done in and on whodid itself: who signed in, who changed what, who read and exported.',
  columns: 'time,who,deed,target,result,from',
  facets: ['action', 'initiator.name', 'outcome', 'target.typeURI', 'target.name', 'severity', 'initiator.host.address'],
  quick: [
    { label: 'Sign-ins', q: 'action:==[whodid.user.authenticate,whodid.mfa.authenticate,whodid.session.create,whodid.user.lock]' },
    { label: 'Failures', q: 'outcome:==failure' },
    { label: 'Keys', q: kinds('ingestion-key', 'service-key', 'personal-token') },
    { label: 'People and rights', q: `${kinds('user', 'invitation', 'group', 'role', 'role-binding', 'password', 'password-reset', 'mfa')} -action:==[whodid.user.authenticate,whodid.mfa.authenticate]` },
    { label: 'Settings', q: kinds('account', 'retention') },
    { label: 'Reads and exports', q: kinds('event', 'download-session', 'reject', 'audit-log', 'own-activity', 'access-review') },
  ],
  placeholder: 'Search: outcome:failure initiator.name:bob whodid.role.*',
}

export function AuditPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Gate need={['audit.read']}>
      <Explorer preset={AUDIT} search={search} onSearch={(change, replace) => void navigate({ search: change, replace })} />
    </Gate>
  )
}
