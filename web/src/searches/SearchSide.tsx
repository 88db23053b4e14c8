/** One alert on a search with everything about it. */
import { Link } from '@tanstack/react-router'
import { Inbox, Pencil, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { usePeople } from '../alerts/people'
import { searches } from '../api/searches'
import type { SearchAlert, TellingPreset } from '../api/shapes'
import { LevelBadge } from '../rules/LevelBadge'
import { useSigned } from '../session/me'
import { History } from '../settings/History'
import { Side } from '../settings/Side'
import { Confirm } from '../ui/Confirm'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { useSearchesChanged } from './queries'
import { Waits, WatchedSearch } from './Searches'
import { ToldList } from './ToldList'
import { searchHistory } from './words'

interface SearchSideProps {
  alert: SearchAlert
  preset: TellingPreset | undefined
  onEdit: () => void
  onClose: () => void
}

export function SearchSide({ alert, preset, onEdit, onClose }: SearchSideProps) {
  const { rights } = useSigned()
  const { name } = usePeople()
  const changed = useSearchesChanged()
  const [isDeleting, setIsDeleting] = useState(false)
  const { search_alert: says } = alert
  return (
    <Side
      label="Alert on a search"
      title={says.name}
      sub={
        <span className="with-icon">
          <LevelBadge level={says.severity ?? 'medium'} />
          {says.is_enabled === false && <span className="tag">off</span>}
        </span>
      }
      onClose={onClose}
    >
      <section>
        <dl className="rows search-rows">
          <div>
            <dt>Search</dt>
            <dd>
              <WatchedSearch says={says} />
            </dd>
          </div>
          {says.trigger !== undefined && (
            <div>
              <dt>Waits for</dt>
              <dd>
                <Waits says={says} preset={preset} />
              </dd>
            </div>
          )}
          <div>
            <dt>Tells</dt>
            <dd>
              {says.channels !== undefined ? (
                <ToldList channels={says.channels} />
              ) : says.preset === undefined ? (
                'nobody: it waits in the inbox'
              ) : (
                <>
                  the preset “{preset?.name ?? says.preset}”
                  {preset && <ToldList channels={preset.channels} />}
                </>
              )}
            </dd>
          </div>
          <div>
            <dt>Ends</dt>
            <dd>{says.auto_resolve === true ? 'by itself, after a whole window without news' : 'when somebody resolves it'}</dd>
          </div>
          <div>
            <dt>Last match</dt>
            <dd>
              <When iso={alert.last_match_at} />
            </dd>
          </div>
          <div>
            <dt>Last told</dt>
            <dd>
              <When iso={alert.last_fired_at} />
            </dd>
          </div>
          <div>
            <dt>Made</dt>
            <dd>
              <When iso={alert.created_at} /> <span className="muted">by {name(alert.created_by)}</span>
            </dd>
          </div>
        </dl>
        <div className="deeds">
          <Link to="/alerts" search={{ status: 'all', rule: alert.rule_id }} className="button primary">
            <Inbox size={14} aria-hidden /> Its alerts
          </Link>
          {rights.may('alerts.manage') && (
            <>
              <button type="button" className="button" onClick={onEdit}>
                <Pencil size={14} aria-hidden /> Change
              </button>
              <button type="button" className="button danger" onClick={() => setIsDeleting(true)}>
                <Trash2 size={14} aria-hidden /> Delete
              </button>
            </>
          )}
        </div>
      </section>
      {rights.may('audit.read') && (
        <section>
          <h3>History</h3>
          <History q={searchHistory(alert.id)} isCompact />
        </section>
      )}
      {isDeleting && (
        <Confirm
          title={`Delete “${says.name}”?`}
          action="Delete"
          keep="Keep it"
          change={() => searches.delete(alert.id)}
          onClose={() => setIsDeleting(false)}
          onDone={() => {
            changed()
            notify(`“${says.name}” is deleted`)
            onClose()
          }}
        >
          <p>The search is watched no more. Alerts that came of it stay in the inbox; the audit log keeps who made it.</p>
        </Confirm>
      )}
    </Side>
  )
}
