/** Removing events for good: which, how many that are, and the number typed before it is done. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { keeping } from '../api/keeping'
import type { Erased } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { useSettled } from '../ui/hooks'
import { bytes, count, events } from '../ui/number'
import { sumOf } from './dayRows'
import { SpanFields } from './SpanFields'
import { daysText, hourText, isSameSpan, sentSpan, spanProblem, whoseText, type Span } from './span'

/** Each count is a look at the events, so that it waits until the days stand still. */
const SETTLED_MS = 500
/** Typed where the number is not known for sure. */
const WORD = 'remove'

export function RemovePanel({ span }: { span: Span }) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <section className="panel panel-line" aria-labelledby="remove">
      <div>
        <h2 id="remove">Remove events</h2>
        <p className="muted">All events of some days, for good. Who did it, for which days and how many went stays in the audit log.</p>
      </div>
      <button type="button" className="button danger" onClick={() => setIsOpen(true)}>
        Remove events
      </button>
      {isOpen && <RemoveEvents first={span} onClose={() => setIsOpen(false)} />}
    </section>
  )
}

const spanText = (span: Span): string => `${span.hour === '' ? '' : `${hourText(Number(span.hour))} of `}${daysText(span.from, span.to)} (UTC), of ${whoseText(span.of, span.space, 'the whole account')}`

function RemoveEvents({ first, onClose }: { first: Span; onClose: () => void }) {
  const { rights } = useSigned()
  const client = useQueryClient()
  const [draft, setDraft] = useState(first)
  const [typed, setTyped] = useState('')
  const id = useId()
  const problem = spanProblem(draft)
  const asked = useSettled(draft, SETTLED_MS)
  const mayCount = rights.mayAny(READS_EVENTS)
  const preview = useQuery({ queryKey: ['days', 'to remove', sentSpan(asked)], queryFn: ({ signal }) => keeping.days(sentSpan(asked), signal), enabled: mayCount && spanProblem(asked) === undefined, staleTime: 0, gcTime: 0 })
  const isCurrent = isSameSpan(asked, draft) && preview.data !== undefined && !preview.isFetching
  const seen = isCurrent ? sumOf(preview.data) : undefined
  // Removal asks nobody's sight: who sees only some of the events cannot type how many go.
  const isSure = rights.seesAllEvents && seen !== undefined
  const word = isSure ? String(seen.count) : WORD
  const remove = useChange({
    mutationFn: () => keeping.erase(sentSpan(draft)),
    // Every number and list may have become smaller.
    onSuccess: () => client.invalidateQueries(),
  })
  if (remove.data) return <Removed done={remove.data} span={draft} onClose={onClose} />
  const isNone = isSure && seen.count === 0
  const isWaiting = mayCount && !isCurrent && !preview.isError
  const isTyped = typed.replace(/[\s,]/g, '') === word
  const change = (next: Span): void => {
    setDraft(next)
    setTyped('')
  }
  return (
    <Dialog title="Remove events" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          remove.mutate()
        }}
      >
        <SpanFields value={draft} onChange={change} all="Everything" />
        {problem !== undefined ? (
          <p className="field-error">{problem}</p>
        ) : (
          <div className="banner error removal" role="status">
            {isWaiting ? (
              <p>Counting…</p>
            ) : isNone ? (
              <p>
                There are none from {spanText(draft)}.
              </p>
            ) : (
              <>
                <p>
                  <strong>{seen === undefined ? 'All events' : isSure ? events(seen.count) : `${events(seen.count)} that you see, and those that you do not see,`}</strong>
                  {seen !== undefined && isSure && ` (${bytes(seen.bytes)} as received)`} from {spanText(draft)}
                </p>
                <p>will be removed for good. Nothing brings them back but copies that you have elsewhere.</p>
              </>
            )}
          </div>
        )}
        {preview.isError && <p className="field-error">They could not be counted: {preview.error.message}</p>}
        {problem === undefined && !isWaiting && !isNone && (
          <div className="field">
            <label htmlFor={`${id}-word`}>
              Type <code className="type-this">{word}</code> to go on
            </label>
            <input id={`${id}-word`} type="text" className="field-input mono" required autoComplete="off" autoCapitalize="off" spellCheck={false} inputMode={isSure ? 'numeric' : 'text'} value={typed} onChange={(event) => setTyped(event.target.value)} />
          </div>
        )}
        <ChangeError error={remove.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button danger solid" disabled={problem !== undefined || isWaiting || isNone || !isTyped || remove.isPending}>
            {remove.isPending ? 'Removing…' : isSure && !isNone ? `Remove ${events(seen.count)}` : 'Remove them'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function Removed({ done, span, onClose }: { done: Erased; span: Span; onClose: () => void }) {
  return (
    <Dialog title="Events are removed" className="dialog-small" onClose={onClose}>
      <div className="stack" role="status">
        <p>
          <strong>{done.count === 1 ? 'One event is removed' : `${events(done.count)} are removed`}</strong>, from {spanText(span)}.
        </p>
        <p className="muted">
          The stored files are <span title={`${count(done.bytes_freed)} bytes`}>{bytes(done.bytes_freed)}</span> smaller; that space is given back in ten minutes, once programs that read the tables just now have finished.
        </p>
      </div>
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  )
}
