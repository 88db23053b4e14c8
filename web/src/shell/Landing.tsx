import { Navigate } from '@tanstack/react-router'
import { useSigned } from '../session/me'
import { landing } from '../session/rights'

/** Whoever names no page gets the first that they may see. */
export function Landing() {
  const { rights } = useSigned()
  return <Navigate to={landing(rights)} replace />
}
