/** One alert with all there is to know, and what can be done. */
import { getRouteApi, Link } from '@tanstack/react-router'
import { ChevronLeft, SearchX } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { Problem } from '../api/problem'
import { Empty } from '../ui/Empty'
import { isFocusLost } from '../ui/focus'
import { useDelayed } from '../ui/hooks'
import { Trouble } from '../ui/Trouble'
import { AlertShown } from './AlertShown'
import { useAlert } from './queries'

const route = getRouteApi('/shell/alerts/inbox/$id')

export function AlertPage() {
  const { id } = route.useParams()
  return <Asked key={id} id={id} />
}

function Asked({ id }: { id: string }) {
  const alert = useAlert(id)
  const waiting = useDelayed(alert.isPending)
  const article = useRef<HTMLElement>(null)
  const shown = alert.data?.alert
  useEffect(() => {
    // What had the focus is gone: a deed that was for how it stood before, or the list on a phone.
    if (isFocusLost()) article.current?.focus({ preventScroll: true })
  }, [shown?.status, shown?.assignee, shown?.silenced_until])
  return (
    <article className="alert-detail" aria-label="Alert" aria-busy={alert.isPending} tabIndex={-1} ref={article}>
      <Link to="/alerts" search={(search) => search} className="back-link alert-back">
        <ChevronLeft size={14} aria-hidden /> Alerts
      </Link>
      {alert.data ? (
        <AlertShown detail={alert.data} staleness={alert.isError ? alert.error.message : undefined} />
      ) : alert.error instanceof Problem && alert.error.status === 404 ? (
        <div role="alert">
          <Empty Icon={SearchX} title="No such alert">
            <p>No alert of this account has the id in the address.</p>
            <div className="state-actions">
              <Link to="/alerts" search={{}} className="button">
                All that are open
              </Link>
            </div>
          </Empty>
        </div>
      ) : alert.isError ? (
        <Trouble error={alert.error} onRetry={() => void alert.refetch()} />
      ) : (
        waiting && <div className="drawer-skeleton" aria-hidden />
      )}
    </article>
  )
}
