/** “This wasn't me”: what it does, then what was done. */
import { useQueryClient } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { useId, useState } from 'react'
import { visible } from '../activity/event'
import { clock } from '../activity/time'
import { own } from '../api/own'
import type { AuditEvent, NotMeDone } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { usePrefs } from '../ui/prefs'
import { endedText } from './SessionCards'

export function NotMe({ event, onClose }: { event: AuditEvent; onClose: () => void }) {
  const { zone } = usePrefs()
  const { me } = useSigned()
  const client = useQueryClient()
  const [note, setNote] = useState('')
  const [alsoTokens, setAlsoTokens] = useState(true)
  const id = useId()
  const report = useChange({
    mutationFn: () => own.report(event.record.id, note.trim(), alsoTokens),
  })
  // What has ended and what is to be done first is asked for at the end: it takes the place of this page.
  const finish = (): void => {
    void client.invalidateQueries()
    onClose()
  }
  if (report.data) return <Done done={report.data} onClose={finish} />
  const { day, time } = clock(event.eventTime, zone, false)
  return (
    <Dialog title="This wasn’t me" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(submitted) => {
          submitted.preventDefault()
          report.mutate()
        }}
      >
        <blockquote className="quoted">
          {visible(event.record.summary)}
          <span className="muted small block">
            {day} {time}
            {event.initiator?.host?.address !== undefined && ` · from ${event.initiator.host.address}`}
          </span>
        </blockquote>
        <p>If somebody else did this in your name, whodid now does the following:</p>
        <ul className="bullets">
          <li>ends all your other sessions; this one goes on,</li>
          <li>tells your administrators, with this event and your note{me.has_password ? ',' : '.'}</li>
          {me.has_password && <li>asks you for a new password.</li>}
        </ul>
        <label className="check">
          <input type="checkbox" checked={alsoTokens} onChange={(change) => setAlsoTokens(change.target.checked)} />
          <span>
            Revoke my personal tokens too <span className="muted small block">Scripts that use them stop working at once.</span>
          </span>
        </label>
        <label htmlFor={`${id}-note`}>What do you know about it? (optional)</label>
        <textarea id={`${id}-note`} className="field-input" rows={3} maxLength={2000} value={note} onChange={(change) => setNote(change.target.value)} placeholder="I was on holiday; my laptop was at home." />
        <ChangeError error={report.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            It was me
          </button>
          <button type="submit" className="button danger solid" disabled={report.isPending}>
            {report.isPending ? 'Reporting…' : 'Report it'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function Done({ done, onClose }: { done: NotMeDone; onClose: () => void }) {
  const { me } = useSigned()
  return (
    <Dialog title="Reported" className="dialog-small" onClose={onClose}>
      <div className="done">
        <ShieldCheck size={22} aria-hidden />
        <ul className="bullets">
          <li>{endedText(done.sessions_ended)}.</li>
          <li>{done.tokens_revoked === 0 ? 'No token was revoked.' : done.tokens_revoked === 1 ? 'One token was revoked.' : `${done.tokens_revoked} tokens were revoked.`}</li>
          <li>Your administrators are told.</li>
        </ul>
      </div>
      <p>
        {me.has_password
          ? 'Somebody may know your password. Before anything else you choose a new one.'
          : 'You have no password here that somebody could know. If you sign in with the identity provider, change your password there.'}
      </p>
      <div className="dialog-foot">
        {me.has_password ? (
          <button type="button" className="button primary" onClick={onClose}>
            Choose a new password
          </button>
        ) : (
          <button type="button" className="button" onClick={onClose}>
            Done
          </button>
        )}
      </div>
    </Dialog>
  )
}
