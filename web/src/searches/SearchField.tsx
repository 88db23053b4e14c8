/** The search: where it looks and for what, checked while it is typed, with how much it found lately. */
import { useQuery } from '@tanstack/react-query'
import { CircleAlert } from 'lucide-react'
import { useId } from 'react'
import { searches, type Watched } from '../api/searches'
import type { Problem } from '../api/problem'
import { useSigned } from '../session/me'
import { READS_EVENTS, type Rights } from '../session/rights'
import { events } from '../ui/number'
import { Words } from '../ui/Words'
import { Said, saidOf } from './Said'
import type { Problems } from './problems'
import type { SearchForm } from './searchForm'
import { STREAMS, type Stream } from './words'

const LATELY_MS = 60_000

const READS: Record<Stream, (rights: Rights) => boolean> = {
  activity: (rights) => rights.mayAny(READS_EVENTS),
  audit: (rights) => rights.may('audit.read'),
  rejects: (rights) => rights.may('rejects.read'),
  insights: (rights) => rights.seesAllEvents,
}

interface SearchFieldProps {
  form: SearchForm
  onChange: (change: Partial<SearchForm>) => void
  problems: Problems
  /** What the check of the text found. */
  wrong: Problem | undefined
  /** The search once it can be read. */
  watched: Watched | undefined
}

export function SearchField({ form, onChange, problems, wrong, watched }: SearchFieldProps) {
  const id = useId()
  const { rights } = useSigned()
  const unread = STREAMS.filter(([stream]) => !READS[stream](rights)).map(([, label]) => label.toLowerCase())
  const hasScope = form.space !== '' || form.region !== ''
  return (
    <div className="field stack-tight">
      <div className="search-head">
        <label htmlFor={`${id}-q`}>Search</label>
        <div className="segmented" role="group" aria-label="Of which events" aria-describedby={unread.length > 0 ? `${id}-unread` : undefined}>
          {STREAMS.map(([stream, label]) => {
            const isRead = READS[stream](rights)
            return (
              <button key={stream} type="button" aria-pressed={form.stream === stream} disabled={!isRead && form.stream !== stream} onClick={() => onChange({ stream })}>
                {label}
              </button>
            )
          })}
        </div>
      </div>
      {unread.length > 0 && (
        <p id={`${id}-unread`} className="field-hint">
          You may not read these, so no search of yours watches them: {unread.join(', ')}.
        </p>
      )}
      <textarea
        id={`${id}-q`}
        className="field-input mono search-text"
        rows={2}
        maxLength={4000}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder="action:*.delete outcome:failure"
        value={form.q}
        aria-invalid={wrong !== undefined || problems.has('q')}
        aria-describedby={problems.has('q') ? `${id}-q-said ${id}-note` : `${id}-note`}
        // One line, as the search has it; Enter sends the form.
        onChange={(event) => onChange({ q: event.target.value.replace(/\s*\n\s*/g, ' ') })}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return
          event.preventDefault()
          event.currentTarget.form?.requestSubmit()
        }}
      />
      <div id={`${id}-note`} role="status" className={wrong ? 'field-error' : 'field-hint'}>
        {wrong ? <Wrong text={form.q} problem={wrong} /> : watched ? <Found watched={watched} /> : ' '}
      </div>
      <Said problems={problems} of="q" id={`${id}-q-said`} />
      <Said problems={problems} of="stream" />
      <details className="search-more" open={hasScope || problems.has('space') || problems.has('region') || undefined}>
        <summary>Only one space or region</summary>
        <div className="field-pair">
          <div className="stack-tight">
            <label htmlFor={`${id}-space`}>Space</label>
            <input id={`${id}-space`} type="text" className="field-input mono" autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder="every space" {...saidOf(problems, 'space', `${id}-space-said`)} value={form.space} onChange={(event) => onChange({ space: event.target.value })} />
            <Said problems={problems} of="space" id={`${id}-space-said`} />
          </div>
          <div className="stack-tight">
            <label htmlFor={`${id}-region`}>Region</label>
            <input id={`${id}-region`} type="text" className="field-input mono" autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder="every region" {...saidOf(problems, 'region', `${id}-region-said`)} value={form.region} onChange={(event) => onChange({ region: event.target.value })} />
            <Said problems={problems} of="region" id={`${id}-region-said`} />
          </div>
        </div>
      </details>
    </div>
  )
}

function Wrong({ text, problem }: { text: string; problem: Problem }) {
  const { position, length } = problem
  return (
    <>
      {position !== undefined && (
        <span className="mono query-place" aria-hidden>
          {text.slice(0, position)}
          <mark>{text.slice(position, position + length) || ' '}</mark>
          {text.slice(position + length)}
        </span>
      )}
      <CircleAlert size={13} aria-hidden /> {position !== undefined && <span className="visually-hidden">At character {position + 1}: </span>}
      <Words text={problem.message} />
      {problem.expected.length > 0 && <span className="muted"> · expected {problem.expected.slice(0, 3).join(', ')}</span>}
    </>
  )
}

function Found({ watched }: { watched: Watched }) {
  const lately = useQuery({ queryKey: ['lately', watched], queryFn: ({ signal }) => searches.countLately(watched, signal), staleTime: LATELY_MS, retry: false, placeholderData: (before) => before })
  if (lately.isError) return <>How many match is not known: {lately.error.message}</>
  if (lately.data === undefined) return <>Counting…</>
  if (lately.data === 0) return <>Nothing matched in the last 24 hours.</>
  return (
    <>
      <strong>{events(lately.data)}</strong> matched in the last 24 hours{(watched.q ?? '') === '' ? ': without words, every event does' : ''}.
    </>
  )
}
