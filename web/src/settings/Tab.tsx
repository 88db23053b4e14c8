/** What every tab has: a title, a sentence, an action, and the History of what it shows. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Gate, type Need } from '../session/Gate'
import { useSigned } from '../session/me'
import { History, type Say } from './History'

/** What the address says of a tab: the History view, and the object that is open. */
export function useTab() {
  // Settings and Rules have tabs; both know these two.
  const { view, open } = useSearch({ strict: false })
  // Of the tab that is shown, not of the layout round it.
  const navigate = useNavigate()
  return {
    isHistory: view === 'history',
    open,
    setOpen: (id: string | undefined): void => void navigate({ to: '.', search: (now) => ({ ...now, open: id }) }),
    setHistory: (isHistory: boolean): void => void navigate({ to: '.', search: (now) => ({ ...now, view: isHistory ? 'history' : undefined, open: undefined }) }),
  }
}

interface TabProps {
  title: string
  lead: ReactNode
  need: Need
  /** Search in the audit log for what happened to what the tab shows. */
  history: string
  /** Says it better than the records themselves do. */
  say?: Say
  action?: ReactNode
  children: ReactNode
}

export function Tab({ title, lead, need, history, say, action, children }: TabProps) {
  const { rights } = useSigned()
  const { isHistory, setHistory } = useTab()
  const shows = isHistory && rights.may('audit.read')
  return (
    <Gate need={need}>
      <div className="page settings-page">
        <header className="page-head with-action">
          <div>
            <h1>{title}</h1>
            <p className="muted">{lead}</p>
          </div>
          <div className="button-row">
            {rights.may('audit.read') && (
              <div className="segmented" role="group" aria-label="View">
                <button type="button" aria-pressed={!shows} onClick={() => setHistory(false)}>
                  Now
                </button>
                <button type="button" aria-pressed={shows} onClick={() => setHistory(true)}>
                  History
                </button>
              </div>
            )}
            {!shows && action}
          </div>
        </header>
        {shows ? <History q={history} say={say} /> : children}
      </div>
    </Gate>
  )
}
