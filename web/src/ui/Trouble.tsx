/** What went wrong, where, and what to do. */
import { CloudOff, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Problem } from '../api/problem'
import { Words } from './Words'

export function Trouble({ error, onRetry, children }: { error: unknown; onRetry?: () => void; children?: ReactNode }) {
  const problem = error instanceof Problem ? error : new Problem(500, { title: 'This page failed', detail: error instanceof Error ? error.message : String(error), code: 'page' })
  const Icon = problem.status === 0 ? CloudOff : TriangleAlert
  return (
    <div className="state" role="alert">
      <Icon size={28} aria-hidden />
      <h2>{problem.title}</h2>
      <p><Words text={problem.message} /></p>
      <div className="state-actions">
        {onRetry && (
          <button type="button" className="button primary" onClick={onRetry}>
            Try again
          </button>
        )}
        {children}
      </div>
      <p className="muted small">
        Code <code>{problem.code}</code>
        {problem.status > 0 && <> · status {problem.status}</>}
      </p>
    </div>
  )
}
