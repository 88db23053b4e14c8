import { Navigate } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { useSigned } from '../session/me'
import { landing } from '../session/rights'

const StartPage = lazy(() => import('../start/StartPage').then((module) => ({ default: module.StartPage })))

/** Whoever names no page gets the first that they may see: Home, or where there is least to miss. */
export function Landing() {
  const { rights } = useSigned()
  const to = landing(rights)
  if (to !== '/') return <Navigate to={to} replace />
  return (
    <Suspense>
      <StartPage />
    </Suspense>
  )
}
