import { useQuery, useQueryClient } from '@tanstack/react-query'
import { MonitorSmartphone } from 'lucide-react'
import { admin } from '../api/admin'
import { METHODS } from '../me/SessionCards'
import { useChange } from '../session/change'
import { agentName } from '../ui/agent'
import { ChangeError } from '../ui/Confirm'
import { Empty } from '../ui/Empty'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { historyOf } from './History'
import { Tab } from './Tab'

export function SessionsTab() {
  const client = useQueryClient()
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: ({ signal }) => admin.sessions(signal), refetchInterval: 60_000 })
  const end = useChange({
    mutationFn: (id: string) => admin.endSession(id),
    onSuccess: () => {
      notify('The session has ended')
      void client.invalidateQueries({ queryKey: ['sessions'] })
    },
  })
  return (
    <Tab title="Sessions" lead="Who is signed in now, from where and with what. A session that is ended stops at once." need={['sessions.manage']} history={historyOf(['session'])}>
      <ChangeError error={end.error} />
      <Loaded query={sessions}>
        {(list) =>
          list.length === 0 ? (
            <Empty Icon={MonitorSmartphone} title="Nobody is signed in">
              <p>Sessions show up here as people sign in.</p>
            </Empty>
          ) : (
            <table className="page-table">
              <thead>
                <tr>
                  <th scope="col">Who</th>
                  <th scope="col">With</th>
                  <th scope="col">From</th>
                  <th scope="col">Began</th>
                  <th scope="col">Last used</th>
                  <th scope="col">Ends at the latest</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((session) => (
                  <tr key={session.id}>
                    <th scope="row" data-label="Who">
                      <span className="tags">
                        {session.user} {session.is_current && <span className="tag tag-accent">this one</span>}
                      </span>
                    </th>
                    <td data-label="With" title={session.agent}>
                      <span className="stacked">
                        {agentName(session.agent)}
                        <span className="muted small">
                          {METHODS[session.method] ?? session.method}
                          {session.mfa && ', second factor'}
                        </span>
                      </span>
                    </td>
                    <td data-label="From" className="mono">
                      {session.address}
                    </td>
                    <td data-label="Began">
                      <When iso={session.created_at} />
                    </td>
                    <td data-label="Last used">
                      <When iso={session.last_seen_at} />
                    </td>
                    <td data-label="Ends">
                      <When iso={session.expires_at} />
                    </td>
                    <td className="row-action">
                      {!session.is_current && (
                        <button type="button" className="button small danger" aria-label={`End the session of ${session.user} from ${session.address}`} disabled={end.isPending} onClick={() => end.mutate(session.id)}>
                          End
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
    </Tab>
  )
}
