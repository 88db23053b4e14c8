/** What a rule would have found: over which time, what if it were tuned, and what came of it. */
import { History, Play, Square, TriangleAlert } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import { fromInput, toInput, zoneName } from '../activity/time'
import { isRefusal, Problem } from '../api/problem'
import type { RuleDetail } from '../api/shapes'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { isFocusLost } from '../ui/focus'
import { usePrefs } from '../ui/prefs'
import { Words } from '../ui/Words'
import { BacktestReport } from './BacktestReport'
import { PRESETS, rangeWrong } from './backtestRange'
import { KeepWhatIf } from './KeepWhatIf'
import { NothingOfFilters } from './NothingOfFilters'
import { streamOf, type BacktestState, type Subject } from './useBacktest'
import type { Checked } from './useCheck'
import { AS_IT_IS, isTried, whatIfProblem } from './whatIf'
import { WhatIfFields } from './WhatIfFields'
import type { EditorHandle } from './YamlEditor'

interface BacktestPanelProps {
  backtest: BacktestState
  text: string
  checked: Checked
  editor: React.RefObject<EditorHandle | null>
  /** The stored rule; not there for one that is only being written. */
  detail?: RuleDetail | undefined
}

export function BacktestPanel({ backtest, text, checked, editor, detail }: BacktestPanelProps) {
  const { rights } = useSigned()
  const id = useId()
  const { zone } = usePrefs()
  const [of, setOf] = useState('')
  const { choice, setChoice, whatIf, setWhatIf, startedAt, ran, error } = backtest
  const isEdited = detail === undefined || text !== detail.text
  const known = detail === undefined ? (checked.check?.rules ?? []) : []
  const about = detail?.rule.id ?? (known.includes(of) ? of : undefined)
  const subject: Subject = { ...(about === undefined ? {} : { id: about }), ...(isEdited ? { text } : {}), stream: streamOf(text), tuning: detail?.tuning }
  const isRunning = startedAt !== undefined
  const deed = useRef<HTMLButtonElement>(null)
  const wasRunning = useRef(isRunning)
  useEffect(() => {
    // Run and Stop take each other's place, and the focus with them.
    if (wasRunning.current !== isRunning && isFocusLost()) deed.current?.focus()
    wasRunning.current = isRunning
  }, [isRunning])
  const tuningProblem = whatIfProblem(whatIf)
  const problem = rangeWrong(choice) ?? tuningProblem
  const isBad = isEdited && checked.hasErrors
  const isEmpty = text.trim() === '' || (isEdited && checked.isCurrent && checked.check?.rules.length === 0)
  const isOld = ran !== undefined && (ran.subject.text !== subject.text || ran.subject.id !== subject.id || JSON.stringify(ran.subject.tuning) !== JSON.stringify(subject.tuning) || JSON.stringify(ran.whatIf) !== JSON.stringify(whatIf))
  if (!rights.mayAny(READS_EVENTS)) {
    return (
      <p className="empty-line">
        <History size={15} aria-hidden />
        <span>A backtest reads stored events, which you may not see here. Ask for the permission to read events.</span>
      </p>
    )
  }
  if (checked.isOnlyFilter) return <NothingOfFilters Icon={History}>A filter finds nothing itself, so there is nothing to run. Once it applies, backtests of the rules that it narrows leave out what it leaves out.</NothingOfFilters>
  return (
    <div className="backtest">
      <form
        className="backtest-form"
        onSubmit={(event) => {
          event.preventDefault()
          void backtest.run(subject, text)
        }}
      >
        <div className="backtest-range">
          <div className="segmented" role="group" aria-label="Over the last">
            {PRESETS.map(([preset, label]) => (
              <button key={preset} type="button" aria-pressed={choice.preset === preset} onClick={() => backtest.choosePreset(preset)}>
                {label}
              </button>
            ))}
          </div>
          {isRunning ? (
            // Keys, as the one in the other's place would take its click and begin again.
            <button key="stop" ref={deed} type="button" className="button" onKeyDown={(event) => event.repeat && event.preventDefault()} onClick={backtest.cancel}>
              <Square size={12} aria-hidden /> Stop
            </button>
          ) : (
            <button key="run" ref={deed} type="submit" className="button primary" disabled={problem !== undefined || isBad || isEmpty}>
              <Play size={13} aria-hidden /> {ran && isOld ? 'Run again' : 'Run'}
            </button>
          )}
        </div>
        {choice.preset === 'custom' && (
          <div className="backtest-times">
            <div className="tuning-field">
              <label htmlFor={`${id}-from`}>From ({zoneName(zone)})</label>
              <input id={`${id}-from`} type="datetime-local" className="field-input" value={toInput(choice.from, zone).slice(0, 16)} onChange={(event) => setChoice({ ...choice, from: fromInput(event.target.value, zone) })} />
            </div>
            <div className="tuning-field">
              <label htmlFor={`${id}-to`}>To</label>
              <input id={`${id}-to`} type="datetime-local" className="field-input" value={toInput(choice.to, zone).slice(0, 16)} onChange={(event) => setChoice({ ...choice, to: fromInput(event.target.value, zone) })} />
            </div>
          </div>
        )}
        {known.length > 1 && (
          <div className="tuning-field">
            <label htmlFor={`${id}-of`}>Which rule of the text</label>
            <select id={`${id}-of`} className="field-input" value={about ?? ''} onChange={(event) => setOf(event.target.value)}>
              <option value="">the one the text is about</option>
              {known.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </div>
        )}
        <WhatIfFields value={whatIf} onChange={setWhatIf} detail={detail} isCorrelation={detail === undefined ? /^correlation:/m.test(text) : undefined} />
        {problem !== undefined && <p className="field-error">{problem}</p>}
        {detail && ran && !isRunning && !isOld && !isEdited && isTried(whatIf) && <KeepWhatIf detail={detail} whatIf={whatIf} onKept={() => setWhatIf(AS_IT_IS)} />}
      </form>
      {isBad && <Mistakes checked={checked} editor={editor} />}
      {isRunning && <Running since={startedAt} isStored={detail !== undefined} />}
      {!isRunning && error && <Refused error={error} onRetry={() => void backtest.run(subject, text)} />}
      {!isRunning && backtest.isCancelled && (
        <p className="muted small" role="status">
          Stopped; nothing was recorded.{ran ? ' Below is what came of the run before.' : ''}
        </p>
      )}
      {ran && !error && (
        <div className={isOld || isRunning ? 'is-old' : undefined} aria-busy={isRunning}>
          {isOld && !isRunning && (
            <p className="banner warning">
              <TriangleAlert size={13} aria-hidden /> This is of the run before your last change.
            </p>
          )}
          <BacktestReport
            ran={ran}
            isOneOfMany={known.length > 1}
            onLonger={choice.preset === '30d' || choice.preset === 'custom' ? undefined : () => void backtest.run(subject, text, { ...choice, preset: '30d' })}
            onRest={(from) => void backtest.run(subject, text, { preset: 'custom', from, to: ran.range.to })}
          />
        </div>
      )}
      {!ran && !isRunning && !error && !isBad && (
        <p className="empty-line">
          <History size={15} aria-hidden />
          <span>
            Runs {isEdited ? 'the text as it stands' : 'the rule'} over what is stored: how often it would have matched, how many findings that makes a day, and by whom. Nothing is recorded and nobody is told.
          </span>
        </p>
      )}
    </div>
  )
}

/** Nobody can say how much is left, so what is said is how long it has run and when it ends at the latest. */
function Running({ since, isStored }: { since: number; isStored: boolean }) {
  const [now, setNow] = useState(since)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.max(0, Math.floor((now - since) / 1000))
  return (
    <div className="backtest-running">
      <p role="status">Reading what is stored…</p>
      <span className="tabular muted">{seconds} s</span>
      <div className="backtest-bar" aria-hidden>
        <i />
      </div>
      <p className="muted small">
        {seconds < 8
          ? 'Only events that may concern the rule are read.'
          : seconds < 60
            ? `Still at it. It ends by itself after a minute with what was found until then${isStored ? '' : '; a text that names actions is quicker than one that looks anywhere'}.`
            : 'It waits for another backtest: the server runs one at a time.'}
      </p>
    </div>
  )
}

function Mistakes({ checked, editor }: { checked: Checked; editor: React.RefObject<EditorHandle | null> }) {
  const mistakes = checked.lines.filter((problem) => problem.isError)
  return (
    <div className="banner error backtest-trouble" role="alert">
      <strong>Mend {mistakes.length === 1 ? 'the mistake' : `the ${mistakes.length} mistakes`} first</strong>
      <ul>
        {mistakes.map((problem, at) => (
          <li key={at}>
            <button type="button" className="link-button" onClick={() => editor.current?.goTo(problem.line)}>
              line {problem.line}
            </button>{' '}
            <Words text={problem.message} />
          </li>
        ))}
      </ul>
    </div>
  )
}

const TITLES: Record<string, string> = { bad_json: 'The rule cannot run', bad_time: 'The range cannot be read' }

function Refused({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const problem = error instanceof Problem ? error : undefined
  return (
    <div className="banner error backtest-trouble" role="alert">
      <strong>
        <TriangleAlert size={13} aria-hidden /> {TITLES[problem?.code ?? ''] ?? problem?.title ?? 'It did not run'}
      </strong>
      <p>{error.message.replace(/^`text`: (text: )?/, '')}</p>
      {!isRefusal(error) && (
        <button type="button" className="button small" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}
