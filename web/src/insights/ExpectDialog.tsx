/** Says that an insight was expected: this once, or all that are like it from now on. */
import { useId, useState } from 'react'
import { insights } from '../api/insights'
import type { Insight } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { patternOf, patternProblem, rowsOf, type Expiry } from './expecting'
import { PatternFields } from './PatternFields'
import { PatternPreview } from './PatternPreview'

const REASONS = ['It was planned', 'A load test', 'A migration']

interface ExpectDialogProps {
  insight: Insight
  /** Whether the person may say what holds from now on. */
  mayExcept: boolean
  onDone: (insight: Insight, isFromNowOn: boolean) => void
  onClose: () => void
}

export function ExpectDialog({ insight, mayExcept, onDone, onClose }: ExpectDialogProps) {
  const id = useId()
  const [isFromNowOn, setIsFromNowOn] = useState(false)
  const [rows, setRows] = useState(() => rowsOf(insight))
  const [expiry, setExpiry] = useState<Expiry>('30')
  const [reason, setReason] = useState('')
  const [now] = useState(() => Date.now())
  const pattern = patternOf(rows, expiry, now)
  const problem = patternProblem(rows)
  const missing = reason.trim() === '' ? 'Say why: others read it later.' : isFromNowOn ? problem : undefined
  const say = useChange({
    mutationFn: () => insights.say(insight.id, { verdict: 'expected', reason: reason.trim(), ...(isFromNowOn ? { from_now_on: patternOf(rows, expiry, Date.now()) } : {}) }),
    onSuccess: (said) => onDone(said, isFromNowOn),
  })
  return (
    <Dialog title="This was expected" onClose={onClose}>
      <form
        className="stack expect-form"
        onSubmit={(event) => {
          event.preventDefault()
          if (missing === undefined && !say.isPending) say.mutate()
        }}
      >
        <fieldset className="radio-list expect-choice">
          <legend className="visually-hidden">How often</legend>
          <label>
            <input type="radio" name={`${id}-how`} checked={!isFromNowOn} onChange={() => setIsFromNowOn(false)} />
            <span>
              <strong>This once</strong>
              <span className="muted small">Only this insight leaves the list. It is kept, and what is like it is told again.</span>
            </span>
          </label>
          <label aria-disabled={!mayExcept}>
            <input type="radio" name={`${id}-how`} checked={isFromNowOn} disabled={!mayExcept} onChange={() => setIsFromNowOn(true)} />
            <span>
              <strong>From now on</strong>
              <span className="muted small">{mayExcept ? 'Insights like it are kept and told to nobody, until a day that you choose.' : 'Needs rules.manage.'}</span>
            </span>
          </label>
        </fieldset>
        {isFromNowOn && (
          <>
            <PatternFields rows={rows} expiry={expiry} onRows={setRows} onExpiry={setExpiry} />
            <PatternPreview pattern={pattern} problem={problem} />
          </>
        )}
        <label htmlFor={`${id}-reason`}>Why it was expected</label>
        <textarea id={`${id}-reason`} className="field-input" rows={2} maxLength={1000} required data-focus placeholder="The yearly rotation of keys, ticket 4711." value={reason} onChange={(event) => setReason(event.target.value)} />
        <div className="quick">
          {REASONS.map((text) => (
            <button key={text} type="button" className="code-button" aria-pressed={reason === text} onClick={() => setReason(reason === text ? '' : text)}>
              {text}
            </button>
          ))}
        </div>
        <ChangeError error={say.error} />
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {missing}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={missing !== undefined || say.isPending}>
            Expected
          </button>
        </div>
      </form>
    </Dialog>
  )
}
