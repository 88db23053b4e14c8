/** A rule run over what is stored: what was asked, whether it still runs, what came of it. Kept while other parts of the page are looked at. */
import { useEffect, useRef, useState } from 'react'
import { api } from '../api/client'
import { rules } from '../api/rules'
import type { Backtest, BacktestRequest, RuleTuning } from '../api/shapes'
import { rangeOf, type Preset, type Range, type RangeChoice } from './backtestRange'
import { AS_IT_IS, isTried, sentWhatIf, type WhatIf } from './whatIf'

/** What the panel says is to be run. */
export interface Subject {
  /** A stored rule; without it the text alone. */
  id?: string | undefined
  /** The text, where it is not the stored one. */
  text?: string | undefined
  /** The stream that it reads. */
  stream: 'activity' | 'audit'
  /** What was tuned of the stored rule, to know an answer that is from before a change of it. */
  tuning?: RuleTuning | undefined
}

export interface Ran {
  /** The text that it is of. */
  text: string
  range: Range
  subject: Subject
  whatIf: WhatIf
  report: Backtest
  /** Of the rule as it is, where something else was tried; undefined until it is here. */
  asIs: Backtest | undefined
  /** Events stored in the range; undefined where they could not be counted. */
  stored: number | undefined
}

export function useBacktest() {
  const [choice, setChoice] = useState<RangeChoice>({ preset: '30d', from: '', to: '' })
  const [whatIf, setWhatIf] = useState(AS_IT_IS)
  /** When it was begun. */
  const [startedAt, setStartedAt] = useState<number | undefined>()
  const [ran, setRan] = useState<Ran | undefined>()
  const [error, setError] = useState<Error | undefined>()
  const [isCancelled, setIsCancelled] = useState(false)
  const asking = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => asking.current?.abort(), [])

  const run = async (subject: Subject, whole: string, of: RangeChoice = choice): Promise<void> => {
    asking.current?.abort()
    const asked = new AbortController()
    asking.current = asked
    const { signal } = asked
    const range = rangeOf(of, Date.now())
    const { id, text, stream } = subject
    const body: BacktestRequest = { ...(id === undefined ? {} : { id }), ...(text === undefined ? {} : { text }), ...range, ...sentWhatIf(whatIf) }
    setChoice(of)
    setStartedAt(Date.now())
    setError(undefined)
    setIsCancelled(false)
    try {
      const counted = api.count({ ...range, stream }, signal).catch(() => undefined)
      const report = await rules.backtest(body, signal)
      const first: Ran = { text: whole, range, subject, whatIf, report, asIs: undefined, stored: await counted }
      if (asking.current !== asked) return
      setRan(first)
      setStartedAt(undefined)
      if (id === undefined || (text === undefined && !isTried(whatIf))) return
      const asIs = await rules.backtest({ id, ...range }, signal).catch(() => undefined)
      if (asking.current === asked && asIs) setRan({ ...first, asIs })
    } catch (cause) {
      if (asking.current !== asked) return
      setStartedAt(undefined)
      setError(cause instanceof Error ? cause : new Error(String(cause)))
    }
  }
  const cancel = (): void => {
    asking.current?.abort()
    asking.current = undefined
    setStartedAt(undefined)
    setIsCancelled(true)
  }
  /** One’s own range begins with the one that was chosen before. */
  const choosePreset = (preset: Preset): void => setChoice(preset === 'custom' && choice.from === '' ? { preset, ...rangeOf(choice, Date.now()) } : { ...choice, preset })
  return { choice, setChoice, choosePreset, whatIf, setWhatIf, startedAt, ran, error, isCancelled, run, cancel }
}

export type BacktestState = ReturnType<typeof useBacktest>

/** Rules on what is done in whodid itself read another stream. */
export const streamOf = (text: string): Subject['stream'] => (/\bproduct:\s*['"]?whodid\b/.test(text) ? 'audit' : 'activity')
