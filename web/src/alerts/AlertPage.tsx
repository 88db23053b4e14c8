/** One alert with all there is to know, and what can be done. */
import { getRouteApi, Link } from '@tanstack/react-router'
import { ChevronLeft } from 'lucide-react'
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
  return (
    <article className="alert-detail" aria-label="Alert" tabIndex={-1}>
      <Link to="/alerts" search={(search) => search} className="back-link alert-back">
        <ChevronLeft size={14} aria-hidden /> Alerts
      </Link>
      {alert.data ? (
        <AlertShown detail={alert.data} staleness={alert.isError ? alert.error.message : undefined} />
      ) : alert.isError ? (
        <Trouble error={alert.error} onRetry={() => void alert.refetch()} />
      ) : (
        waiting && <div className="drawer-skeleton" aria-hidden />
      )}
    </article>
  )
}
