/** Beside a search: has it watched from now on. */
import { BellPlus } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import type { Logs } from '../query/logs'
import { withLogs } from '../query/logs'
import { useSigned } from '../session/me'
import { isStream } from './words'

// Few searches become alerts: the page loads without the form.
const SearchDialog = lazy(() => import('./SearchDialog').then((module) => ({ default: module.SearchDialog })))

export function AlertOnSearch({ q, stream = 'activity', logs }: { q: string; stream?: string | undefined; logs: Logs | undefined }) {
  const { rights } = useSigned()
  const [isOpen, setIsOpen] = useState(false)
  if (!rights.may('alerts.manage') || !isStream(stream)) return null
  return (
    <>
      <button type="button" className="button quiet" title="Be told when events match this search" onClick={() => setIsOpen(true)}>
        <BellPlus size={14} aria-hidden /> <span className="export-word">Create alert</span>
      </button>
      {isOpen && (
        <Suspense>
          <SearchDialog start={{ q: withLogs(q, logs).text, stream }} onDone={() => setIsOpen(false)} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
