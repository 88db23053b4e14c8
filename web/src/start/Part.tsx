/** A part of the start page: its heading, and what was asked for once it is here; before that its shape. */
import type { UseQueryResult } from '@tanstack/react-query'
import { useId, type ReactNode } from 'react'
import { useDelayed } from '../ui/hooks'
import { Trouble } from '../ui/Trouble'

const BONES = { insights: 4, rows: 8, alerts: 5, lines: 2 }

interface PartProps<T> {
  title: string
  /** Beside the title. */
  aside?: ReactNode
  /** At the end of the heading. */
  action?: ReactNode
  query: UseQueryResult<T>
  /** What stands there until the answer does, as large as it. */
  shape: keyof typeof BONES
  children: (data: T) => ReactNode
}

export function Part<T>({ title, aside, action, query, shape, children }: PartProps<T>) {
  const waiting = useDelayed(query.isPending)
  const id = useId()
  return (
    <section className="panel start-part" aria-labelledby={id} aria-busy={query.isPending}>
      <header className="start-part-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <span className="muted small">{aside}</span>}
        <span className="spring" />
        {action}
      </header>
      {query.data !== undefined ? (
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
      ) : query.isError ? (
        <Trouble error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <div className={`bones bones-${shape}${waiting ? ' drawn' : ''}`} aria-hidden>
          {Array.from({ length: BONES[shape] }, (_, at) => (
            <i key={at} />
          ))}
        </div>
      )}
    </section>
  )
}
