/** What was asked for once it is here; before that its shape, and what went wrong instead. */
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useDelayed } from './hooks'
import { Trouble } from './Trouble'

const ROWS = 6

export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  const waiting = useDelayed(query.isPending)
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && (
          <p className="banner error" role="alert">
            This may be out of date: {query.error.message}{' '}
            <button type="button" className="link-button" onClick={() => void query.refetch()}>
              Try again
            </button>
          </p>
        )}
        {children(query.data)}
      </>
    )
  }
  if (query.isError) return <Trouble error={query.error} onRetry={() => void query.refetch()} />
  return waiting ? (
    <div role="status">
      <span className="visually-hidden">Loading…</span>
      <div className="table-skeleton" aria-hidden>
        {Array.from({ length: ROWS }, (_, at) => (
          <i key={at} />
        ))}
      </div>
    </div>
  ) : null
}
