import { BellOff, BellRing, CheckCheck, CircleDot, Eye, Megaphone, MessageSquare, RotateCcw, UserRound, type LucideIcon } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import { alerts } from '../api/alerts'
import type { AlertDetail } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError } from '../ui/Confirm'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { useActing } from './acting'
import { usePeople } from './people'
import { useAlertsChanged } from './queries'
import { momentsOf, type Moment } from './words'

const ICONS: Record<string, LucideIcon> = { opened: CircleDot, reopened: RotateCcw, escalated: Megaphone, acknowledged: Eye, assigned: UserRound, noted: MessageSquare, silenced: BellOff, unsilenced: BellRing, resolved: CheckCheck }

/** What happened to the alert and what people wrote to it, oldest first; a note is written at its end. */
export function AlertHistory({ detail }: { detail: AlertDetail }) {
  const acting = useActing()
  return (
    <section className="alert-part">
      <h3>Notes and history</h3>
      <ol className="timeline" aria-label="Notes and history">
        {momentsOf(detail).map((moment, at) => (
          <TimelineItem key={`${moment.at} ${moment.act} ${at}`} moment={moment} />
        ))}
      </ol>
      {acting.reason === undefined && <NoteForm id={detail.alert.id} />}
    </section>
  )
}

function TimelineItem({ moment }: { moment: Moment }) {
  const { mine, name } = usePeople()
  const Icon = ICONS[moment.act] ?? CircleDot
  return (
    <li className={`timeline-item timeline-${moment.act}`}>
      <span className="timeline-icon">
        <Icon size={13} aria-hidden />
      </span>
      <div className="timeline-body">
        <p>
          <strong>{moment.by === null ? 'whodid' : mine(moment.by) ? 'You' : name(moment.by)}</strong> {moment.words} {moment.to !== undefined && (mine(moment.to) ? 'you' : name(moment.to))} {moment.until !== undefined && <When iso={moment.until} />}
          <span className="timeline-when muted small">
            <When iso={moment.at} />
          </span>
        </p>
        {moment.text !== undefined && moment.text !== '' && <p className="timeline-text">{moment.text}</p>}
      </div>
    </li>
  )
}

function NoteForm({ id }: { id: string }) {
  const field = useId()
  const changed = useAlertsChanged()
  const area = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState('')
  const note = useChange({
    mutationFn: () => alerts.act(id, { act: 'note', text: text.trim() }),
    onSuccess: (detail) => {
      changed([detail])
      setText('')
      notify('The note is added')
      // The button that had the focus goes with the text.
      area.current?.focus()
    },
  })
  return (
    <form
      className="note-form"
      onSubmit={(event) => {
        event.preventDefault()
        note.mutate()
      }}
    >
      <label htmlFor={field} className="visually-hidden">
        A note
      </label>
      <textarea
        ref={area}
        id={field}
        className="field-input"
        rows={2}
        maxLength={4000}
        placeholder="Write what you found out…"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && text.trim() !== '' && !note.isPending) note.mutate()
        }}
      />
      <ChangeError error={note.error} />
      {text.trim() !== '' && (
        <div className="button-row">
          <span className="muted small hide-phone">
            <kbd>Ctrl</kbd> <kbd>Enter</kbd>
          </span>
          <button type="submit" className="button small primary" disabled={note.isPending}>
            Add the note
          </button>
        </div>
      )}
    </form>
  )
}
