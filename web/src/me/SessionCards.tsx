/** Sessions and the devices they run on, for their owner. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { MonitorSmartphone } from 'lucide-react'
import { useState } from 'react'
import { own } from '../api/own'
import type { SessionSummary } from '../api/shapes'
import { useChange } from '../session/change'
import { agentName } from '../ui/agent'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { Ago } from '../ui/When'

export const METHODS: Record<string, string> = { password: 'by password', link: 'by one-time link', oidc: 'by identity provider', recovery: 'by recovery code' }

export function endedText(count: number): string {
  return count === 0 ? 'No other session was running' : count === 1 ? 'One session has ended' : `${count} sessions have ended`
}

export function SessionCards() {
  const client = useQueryClient()
  const sessions = useQuery({ queryKey: ['own-sessions'], queryFn: ({ signal }) => own.sessions(signal) })
  const [isEnding, setIsEnding] = useState(false)
  const again = (): void => void client.invalidateQueries({ queryKey: ['own-sessions'] })
  const end = useChange({
    mutationFn: (session: SessionSummary) => own.endSession(session.id),
    onSuccess: (_, session) => {
      notify(`The session of ${agentName(session.agent)} has ended`)
      again()
    },
  })
  return (
    <Loaded query={sessions}>
      {(list) => {
        const others = list.filter((session) => !session.is_current)
        return (
          <>
            <ChangeError error={end.error} />
            <ul className="session-cards">
              {[...list].sort((a, b) => Number(b.is_current) - Number(a.is_current)).map((session) => (
                <li key={session.id} className="session-card">
                  <MonitorSmartphone size={18} aria-hidden />
                  <div>
                    <p className="session-name" title={session.agent}>
                      {agentName(session.agent)}
                      {session.is_current && <span className="tag tag-accent">this one</span>}
                      {session.mfa && <span className="tag">second factor</span>}
                    </p>
                    <p className="muted small">
                      <span className="mono">{session.address}</span> · {METHODS[session.method] ?? session.method} <Ago iso={session.created_at} /> · {session.is_current ? 'in use' : <>last used <Ago iso={session.last_seen_at} /></>}
                    </p>
                  </div>
                  {!session.is_current && (
                    <button type="button" className="button small" aria-label={`End the session of ${agentName(session.agent)} from ${session.address}`} disabled={end.isPending} onClick={() => end.mutate(session)}>
                      End
                    </button>
                  )}
                </li>
              ))}
            </ul>
            {others.length > 0 ? (
              <button type="button" className="button small" onClick={() => setIsEnding(true)}>
                End all others
              </button>
            ) : (
              <p className="muted small">You are signed in nowhere else.</p>
            )}
            {isEnding && (
              <Confirm
                title="End all other sessions?"
                action="End them"
                change={own.endOtherSessions}
                onClose={() => setIsEnding(false)}
                onDone={(count) => {
                  setIsEnding(false)
                  notify(endedText(count))
                  again()
                }}
              >
                <p>{others.length === 1 ? 'One other session ends' : `${others.length} other sessions end`} at once; whoever uses it must sign in again. This one goes on.</p>
              </Confirm>
            )}
          </>
        )
      }}
    </Loaded>
  )
}
