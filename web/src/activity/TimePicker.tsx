import { CalendarRange, ChevronDown } from 'lucide-react'
import { Popover } from 'radix-ui'
import { useState } from 'react'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import { setPref, usePrefs } from '../ui/prefs'
import { DEFAULT_RANGE, fromInput, PRESETS, rangeLabel, rangeProblem, toInput, zoneName } from './time'

/** Years of more than four digits are slips of the hand. */
const INPUT_MAX = '9999-12-31T23:59:59'

interface TimePickerProps {
  from: string | undefined
  to: string | undefined
  /** The range as the server read it, to start absolute inputs from. */
  resolved: { from: string; to: string } | undefined
  onChange: (from: string | undefined, to: string | undefined) => void
  /** The range that holds when the address names none. */
  usual?: string
  /** Asks the server whether it can read a start; refuses with its reason. */
  check?: (from: string) => Promise<unknown>
}

const byCount = (from: string): Promise<unknown> => api.count({ from }, AbortSignal.timeout(10_000))

export function TimePicker({ from, to, resolved, onChange, usual = DEFAULT_RANGE, check = byCount }: TimePickerProps) {
  const { zone } = usePrefs()
  const [open, setOpen] = useState(false)
  const change = (nextFrom: string | undefined, nextTo: string | undefined): void => {
    setOpen(false)
    onChange(nextFrom === usual && !nextTo ? undefined : nextFrom, nextTo)
  }
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className="button time-button">
        <CalendarRange size={14} aria-hidden />
        <span className="visually-hidden">Time range: </span>
        <span>{rangeLabel(from ?? usual, to, zone)}</span>
        <ChevronDown size={13} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover time-popover" align="end" sideOffset={6} collisionPadding={8} aria-label="Time range">
          <div className="time-presets">
            <h3>Relative</h3>
            {PRESETS.map((preset) => (
              <button key={preset.from} type="button" aria-pressed={!to && (from ?? usual) === preset.from} onClick={() => change(preset.from, undefined)}>
                {preset.label}
              </button>
            ))}
          </div>
          <Absolute key={`${zone} ${resolved === undefined}`} from={resolved?.from} to={resolved?.to} onApply={change} check={check} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}

function Absolute({ from, to, onApply, check }: { check: (from: string) => Promise<unknown>; from: string | undefined; to: string | undefined; onApply: (from: string | undefined, to: string | undefined) => void }) {
  const { zone } = usePrefs()
  const [start, setStart] = useState(toInput(from ?? '', zone))
  const [end, setEnd] = useState(toInput(to ?? '', zone))
  const [words, setWords] = useState('')
  const [wordsWrong, setWordsWrong] = useState<string | undefined>()
  // What nobody touched stays as exact as it was; an input knows neither parts of a second nor which of two hours.
  const exact = (typed: string, given: string | undefined): string => (given !== undefined && typed === toInput(given, zone) ? given : fromInput(typed, zone))
  const range = { from: start === '' ? undefined : exact(start, from), to: end === '' ? undefined : exact(end, to) }
  const wrong = rangeProblem(range)
  // The server reads them, so it says whether it can.
  const applyWords = async (): Promise<void> => {
    const text = words.trim()
    if (text === '') return
    const range = /^\d+\s*[smhdw]$/.test(text) ? `now-${text.replace(/\s/g, '')}` : text
    try {
      await check(range)
      onApply(range, undefined)
    } catch (error) {
      setWordsWrong(error instanceof Problem ? error.message.replace(/^`from`: /, '') : 'The server does not answer.')
    }
  }
  return (
    <div className="time-absolute">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!wrong) onApply(range.from ?? 'all', range.to)
        }}
      >
        <h3>From – to</h3>
        <label>
          From
          <input type="datetime-local" step={1} max={INPUT_MAX} value={start} onChange={(event) => setStart(event.target.value)} />
        </label>
        <label>
          To, not included
          <input type="datetime-local" step={1} max={INPUT_MAX} value={end} onChange={(event) => setEnd(event.target.value)} aria-invalid={wrong !== undefined} aria-describedby="range-wrong" />
        </label>
        <p id="range-wrong" className="field-error" role="status">
          {wrong}
        </p>
        <button type="submit" className="button primary" disabled={wrong !== undefined}>
          Apply
        </button>
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void applyWords()
        }}
      >
        <label>
          Or in words
          <input
            type="text"
            placeholder="36h"
            value={words}
            onChange={(event) => {
              setWords(event.target.value)
              setWordsWrong(undefined)
            }}
            aria-invalid={wordsWrong !== undefined}
            aria-describedby="words-help"
          />
        </label>
        <p id="words-help" className={wordsWrong === undefined ? 'muted small' : 'field-error'} role="status">
          {wordsWrong ?? 'The last 36h, 10d; 2 days ago; yesterday; last friday 17:30'}
        </p>
      </form>
      <fieldset className="segmented">
        <legend>Times in</legend>
        {(['local', 'utc'] as const).map((name) => (
          <button key={name} type="button" aria-pressed={zone === name} onClick={() => setPref('zone', name)}>
            {name === 'utc' ? 'UTC' : `Local (${zoneName('local')})`}
          </button>
        ))}
      </fieldset>
    </div>
  )
}
