/** Nothing to show, and what to do about it. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { SearchX, Send } from 'lucide-react'
import { api } from '../api/client'
import type { Filter } from '../api/shapes'
import { join, quoteField, topTerms, withoutTerm } from '../query/terms'
import { useSigned } from '../session/me'
import { Command } from '../ui/Command'
import { usePrefs } from '../ui/prefs'
import { shorten, visible } from './event'
import { understood } from './sources'
import { fullTime, lengthText } from './time'

interface NothingProps {
  filter: Filter
  /** The range as the server read it. */
  resolved: { from: string; to: string } | undefined
  onRange: (from: string | undefined, to: string | undefined) => void
  onQuery: (query: string) => void
}

const HALF_WINDOW_MS = 30 * 60_000

/** The newest match before the range, or the oldest after it. */
export function NothingMatches({ filter, resolved, onRange, onQuery }: NothingProps) {
  const { zone } = usePrefs()
  const nearest = useQuery({
    queryKey: ['nearest', filter, resolved?.from],
    enabled: resolved !== undefined && (filter.from !== undefined || filter.to !== undefined),
    queryFn: async ({ signal }) => {
      const before = filter.from === undefined ? undefined : await api.events({ ...filter, from: undefined, to: filter.from, limit: 1 }, signal)
      if (before?.events[0]) return before.events[0]
      const after = filter.to === undefined ? undefined : await api.events({ ...filter, from: filter.to, to: undefined, limit: 1, order: 'asc' }, signal)
      return after?.events[0] ?? null
    },
  })
  const query = filter.q ?? ''
  const terms = topTerms(query)
  const near = nearest.data
  /** Nothing narrows the search but what the person may see. */
  const sawAll = near === null && query === '' && filter.logs === undefined
  const nowhere = near === null || (nearest.isPending && !nearest.isFetching)
  const fields = [...new Set(terms.flatMap((term) => (term.field === undefined ? [] : [term.field])))]
  // Which of the fields no event has at all, so that a slip in a name is told from a value that does not occur.
  const strange = useQuery({
    queryKey: ['strange', fields],
    enabled: nowhere && fields.length > 0,
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const found = await Promise.all(fields.map(async (field) => ((await api.count({ q: `${quoteField(field)}:*`, stream: filter.stream }, signal)) === 0 ? [field] : [])))
      return found.flat()
    },
  })
  const meansRefused = terms.find((term) => term.field === 'outcome' && !term.negated && term.values?.length === 1 && term.values[0] === 'denied')
  const time = near ? Date.parse(near.eventTime) : 0
  const isBefore = resolved !== undefined && time < Date.parse(resolved.from)
  const away = resolved ? (isBefore ? Date.parse(resolved.from) - time : time - Date.parse(resolved.to)) : 0
  return (
    <div className="state">
      <SearchX size={28} aria-hidden />
      <h2>{sawAll ? 'Nothing to see yet' : 'Nothing matches'}</h2>
      {near && (
        <p>
          Nearest event: {lengthText(away)} {isBefore ? 'before' : 'after'} this range, {fullTime(near.eventTime, zone)}
          <br />
          <span className="muted">{visible(near.record.summary)}</span>
        </p>
      )}
      {near === null && <p>{sawAll ? 'There is no event, of any time, that you may see. What comes is here within seconds.' : 'No event at any time matches this query.'}</p>}
      {strange.data && strange.data.length > 0 && (
        <p>
          No event has a field called{' '}
          {strange.data.map((field, at) => (
            <span key={field}>
              {at > 0 && ' or '}
              <code>{shorten(field, 60)}</code>
            </span>
          ))}
          . Upper and lower case count; the search box suggests the names there are.
        </p>
      )}
      {meansRefused && (
        <p>
          An outcome is success, failure, pending or unknown. Refusals are failures with <code>result:denied</code>.
        </p>
      )}
      <div className="state-actions">
        {near && (
          <button type="button" className="button primary" onClick={() => onRange(new Date(time - HALF_WINDOW_MS).toISOString(), new Date(time + HALF_WINDOW_MS).toISOString())}>
            Jump there
          </button>
        )}
        {meansRefused && (
          <button type="button" className="button primary" onClick={() => onQuery(join(withoutTerm(query, meansRefused), 'result:denied'))}>
            Search for <code>result:denied</code>
          </button>
        )}
        {filter.from !== undefined && near !== null && (
          <button type="button" className="button" onClick={() => onRange('all', undefined)}>
            Search all time
          </button>
        )}
        {terms.map((term) => (
          <button key={term.start} type="button" className="button" onClick={() => onQuery(withoutTerm(query, term))}>
            Remove <code>{shorten(term.text, 36)}</code>
          </button>
        ))}
      </div>
    </div>
  )
}

/** Nothing was ever sent: the commands that change that. */
export function FirstRun() {
  const { rights } = useSigned()
  const { origin } = window.location
  const first = `curl -sS ${origin}/api/v1/events \\
  -H "Authorization: Bearer $WHODID_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/event",
       "eventTime":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'",
       "action":"read","outcome":"success",
       "initiator":{"name":"me","host":{"address":"192.0.2.1"}},
       "target":{"name":"my first event","typeURI":"demo/thing"},
       "observer":{"name":"demo"}}'`
  const where = `export WHODID_URL=${origin} WHODID_KEY`
  return (
    <div className="state first-run">
      <Send size={28} aria-hidden />
      <h2>Send your first event</h2>
      <p>
        This account has no events yet. {rights.may('keys.manage') ? <>Make an ingestion key on the <Link to="/settings/keys">Keys</Link> page</> : 'Ask an administrator for an ingestion key'}, put it in <code>WHODID_KEY</code>, and send one:
      </p>
      <Command text={first} />
      <details className="first-more">
        <summary>Send files and folders</summary>
        <Command text={`${where}\nwhodid events send FILE`} label="Command for files" />
      </details>
      <details className="first-more">
        <summary>Send what Linux machines write about logins</summary>
        <p className="muted small">
          From the file of the system log, which is <code>/var/log/secure</code> on Fedora and Red Hat:
        </p>
        <Command text={`${where}\nwhodid events send /var/log/auth.log --format linux-auth`} label="Command for a log file" />
        <p className="muted small">Or, where there is none, from the journal:</p>
        <Command text={`${where}\njournalctl -o json --since yesterday SYSLOG_FACILITY=4 + SYSLOG_FACILITY=10 | whodid events send -`} label="Command for the journal" />
      </details>
      <p className="muted small">This page shows the first event as soon as it arrives. {understood()}</p>
    </div>
  )
}
