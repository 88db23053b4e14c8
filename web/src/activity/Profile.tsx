/** Who somebody is, or what comes from an address, by what they did lately: asked for only once it is opened. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ChevronRight, Lightbulb, Siren } from 'lucide-react'
import { useId, useState } from 'react'
import { alerts } from '../api/alerts'
import { api } from '../api/client'
import type { Alert } from '../api/shapes'
import { useFewInsights } from '../insights/queries'
import { exactly } from '../query/terms'
import { useSigned } from '../session/me'
import { useDelayed } from '../ui/hooks'
import { compact, count } from '../ui/number'
import { usePrefs } from '../ui/prefs'
import { When } from '../ui/When'
import { insightsAbout } from './about'
import { useActions } from './actions'
import { shorten, visible } from './event'
import { WEEKDAYS, weekOf, weekWords } from './hours'

const FROM = 'now-28d'
const STALE_MS = 300_000
const TOP = 4

interface ProfileProps {
  field: 'initiator.name' | 'initiator.id' | 'initiator.host.address'
  value: string
}

export function Profile({ field, value }: ProfileProps) {
  const id = useId()
  const [isOpen, setIsOpen] = useState(false)
  return (
    <div className="profile">
      <button type="button" className="link-button" aria-expanded={isOpen} aria-controls={id} onClick={() => setIsOpen(!isOpen)}>
        <ChevronRight size={13} aria-hidden className={isOpen ? 'turned' : ''} /> {field === 'initiator.host.address' ? 'Profile of this address' : 'Profile of this user'}
      </button>
      <div id={id} hidden={!isOpen}>
        {isOpen && <Shown field={field} value={value} />}
      </div>
    </div>
  )
}

function Shown({ field, value }: ProfileProps) {
  const { rights } = useSigned()
  const isAddress = field === 'initiator.host.address'
  const q = exactly(field, value)
  const fields = ['action', isAddress ? 'initiator.name' : 'initiator.host.address']
  const first = useQuery({ queryKey: ['profile', 'first', q], queryFn: ({ signal }) => api.events({ q, order: 'asc', limit: 1 }, signal), staleTime: STALE_MS })
  const facets = useQuery({ queryKey: ['profile', 'facets', q], queryFn: ({ signal }) => api.facets({ q, from: FROM, field: fields, limit: TOP }, signal), staleTime: STALE_MS })
  const week = useQuery({ queryKey: ['profile', 'week', q], queryFn: ({ signal }) => api.hours({ q, from: FROM }, signal), staleTime: STALE_MS })
  const waiting = useDelayed(first.isPending)
  const event = first.data?.events[0]
  const failed = [first, facets, week].find((query) => query.isError)?.error
  return (
    <div className="profile-body">
      {failed && <p className="warn small">{failed.message}</p>}
      {first.isPending && waiting && <div className="profile-bones" aria-hidden />}
      {event && (
        <p className="small">
          First seen <When iso={event.eventTime} />
          {week.data && <span className="muted">, {count(week.data.total)} events in 28 days</span>}
        </p>
      )}
      {(rights.seesAllEvents || rights.may('alerts.read')) && <Waiting field={field} value={value} />}
      {week.data && week.data.total > 0 && <Week buckets={week.data.buckets} />}
      {facets.data?.map((facet, at) => facet.values.length > 0 && <Top key={facet.field} title={at === 0 ? 'Does mostly' : isAddress ? 'Who acts from it' : 'Comes from'} field={facet.field} values={facet.values} total={facet.values.reduce((sum, one) => sum + one.count, facet.other)} />)}
    </div>
  )
}

/** Insights and alerts that are open about it. */
function Waiting({ field, value }: ProfileProps) {
  const { rights } = useSigned()
  const about = insightsAbout(field, value) ?? {}
  const unusual = useFewInsights({ ...about, state: 'open', limit: 1 })
  const open = useQuery({ queryKey: ['alerts', 'profile'], queryFn: ({ signal }) => alerts.list({ status: 'open,acknowledged', limit: 100 }, false, signal), staleTime: 30_000, enabled: rights.may('alerts.read') })
  const isAbout = (alert: Alert): boolean => alert.group.some((pair) => pair.value === value)
  const own = open.data?.alerts.filter(isAbout) ?? []
  const going = unusual.data?.counts.open ?? 0
  const [only] = own
  return (
    <p className="profile-waiting">
      {rights.seesAllEvents && (
        <Link to="/insights" search={about} preload={false} className={`tag with-icon${going > 0 ? ' tag-warn' : ''}`}>
          <Lightbulb size={12} aria-hidden /> {going > 0 ? `${count(going)} ${going === 1 ? 'insight goes' : 'insights go'} on` : 'Insights about this'}
        </Link>
      )}
      {only && own.length === 1 ? (
        <Link to="/alerts/$id" params={{ id: only.id }} search={{}} preload={false} className="tag tag-bad with-icon">
          <Siren size={12} aria-hidden /> 1 open alert
        </Link>
      ) : (
        own.length > 1 && (
          <Link to="/alerts" search={{}} preload={false} className="tag tag-bad with-icon">
            <Siren size={12} aria-hidden /> {count(own.length)} open alerts
          </Link>
        )
      )}
    </p>
  )
}

/** Hours by weekdays; what it says stands above it in words. */
function Week({ buckets }: { buckets: Parameters<typeof weekOf>[0] }) {
  const { zone } = usePrefs()
  const week = weekOf(buckets, zone)
  const most = Math.max(1, ...week.flat())
  return (
    <div className="week">
      <h4>Usual hours</h4>
      <p className="small">{weekWords(week)}</p>
      <svg viewBox="0 0 318 92" aria-hidden className="week-map">
        {week.map((day, at) => (
          <g key={WEEKDAYS[at]}>
            <text x={0} y={at * 11 + 8.5} className="axis-text">
              {WEEKDAYS[at]}
            </text>
            {day.map((value, hour) => (
              <rect key={hour} x={30 + hour * 12} y={at * 11} width={11} height={10} rx={2} className="week-cell" fillOpacity={value === 0 ? 0.07 : 0.22 + 0.78 * Math.sqrt(value / most)}>
                <title>{`${WEEKDAYS[at] ?? ''} ${String(hour).padStart(2, '0')}:00: ${count(value)}`}</title>
              </rect>
            ))}
          </g>
        ))}
        {[0, 6, 12, 18].map((hour) => (
          <text key={hour} x={30 + hour * 12} y={88} className="axis-text">
            {String(hour).padStart(2, '0')}
          </text>
        ))}
      </svg>
    </div>
  )
}

function Top({ title, field, values, total }: { title: string; field: string; values: readonly { value: string; count: number }[]; total: number }) {
  const { valueMenu } = useActions()
  return (
    <div>
      <h4>{title}</h4>
      <ul className="profile-top">
        {values.map((one) => (
          <li key={one.value}>
            <button type="button" className="value mono" title={one.value} aria-haspopup="menu" onClick={(event) => valueMenu(event.currentTarget, field, one.value)}>
              <span>{shorten(visible(one.value), 40)}</span>
            </button>
            <span className="muted small tabular">{compact(one.count)}</span>
            <i style={{ inlineSize: `${(one.count / Math.max(1, total)) * 100}%` }} aria-hidden />
          </li>
        ))}
      </ul>
    </div>
  )
}
