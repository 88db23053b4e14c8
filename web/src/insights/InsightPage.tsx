/** One insight with all there is to know, and what can be said of it. */
import { getRouteApi, Link } from '@tanstack/react-router'
import { ChevronLeft, SearchX } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { Problem } from '../api/problem'
import { Empty } from '../ui/Empty'
import { isFocusLost } from '../ui/focus'
import { useDelayed } from '../ui/hooks'
import { Trouble } from '../ui/Trouble'
import { InsightShown } from './InsightShown'
import { useInsight } from './queries'

const route = getRouteApi('/shell/insights/watch/$id')

export function InsightPage() {
  const { id } = route.useParams()
  return <Asked key={id} id={id} />
}

function Asked({ id }: { id: string }) {
  const insight = useInsight(id)
  const waiting = useDelayed(insight.isPending)
  const article = useRef<HTMLElement>(null)
  const verdict = insight.data?.verdict
  useEffect(() => {
    // What had the focus is gone: a deed that was for how it stood before, or the list on a phone.
    if (isFocusLost()) article.current?.focus({ preventScroll: true })
  }, [verdict])
  return (
    <article className="alert-detail insight-detail" aria-label="Insight" aria-busy={insight.isPending} tabIndex={-1} ref={article}>
      <Link to="/insights" search={(search) => ({ ...search, period: undefined, form: undefined })} className="back-link insight-back">
        <ChevronLeft size={14} aria-hidden /> All insights
      </Link>
      {insight.data ? (
        <InsightShown insight={insight.data} staleness={insight.isError ? insight.error.message : undefined} />
      ) : insight.error instanceof Problem && insight.error.status === 404 ? (
        <div role="alert">
          <Empty Icon={SearchX} title="No such insight">
            <p>No insight of this account has the id in the address.</p>
            <div className="state-actions">
              <Link to="/insights" search={{}} className="button">
                All insights
              </Link>
            </div>
          </Empty>
        </div>
      ) : insight.isError ? (
        <Trouble error={insight.error} onRetry={() => void insight.refetch()} />
      ) : (
        waiting && <div className="drawer-skeleton" aria-hidden />
      )}
    </article>
  )
}
