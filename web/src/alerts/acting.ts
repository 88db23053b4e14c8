/** Doing something to one alert or several, one after the other, and what became of each. */
import { createContext, use } from 'react'
import { alerts } from '../api/alerts'
import { Problem } from '../api/problem'
import type { Alert, AlertAct, AlertDetail } from '../api/shapes'
import { confirmed } from '../session/change'

export interface Refused {
  alert: Alert
  problem: Problem
}

export interface Outcome {
  done: AlertDetail[]
  refused: Refused[]
}

/** Goes on after a refusal, but not after the person did not prove who they are. */
export async function actOn(chosen: readonly Alert[], act: (alert: Alert) => AlertAct): Promise<Outcome> {
  const outcome: Outcome = { done: [], refused: [] }
  for (const alert of chosen) {
    try {
      outcome.done.push(await confirmed(() => alerts.act(alert.id, act(alert))))
    } catch (error) {
      if (!(error instanceof Problem) || error.code === 'cancelled' || error.status === 401 || error.status === 0) throw error
      outcome.refused.push({ alert, problem: error })
    }
  }
  return outcome
}

export type Ask = 'resolve' | 'silence' | 'exception'

export interface Acting {
  /** Nothing for who may act; otherwise why not. */
  reason: string | undefined
  isBusy: boolean
  acknowledge: (chosen: readonly Alert[]) => void
  reopen: (alert: Alert) => void
  unsilence: (alert: Alert) => void
  assign: (chosen: readonly Alert[], to: string | undefined) => void
  /** Opens the dialog that asks for more. */
  ask: (what: Ask, chosen: readonly Alert[]) => void
  refused: readonly Refused[]
  /** Forgets what was refused, and loads everything again. */
  again: () => void
}

export const ActingContext = createContext<Acting | undefined>(undefined)

export function useActing(): Acting {
  const acting = use(ActingContext)
  if (!acting) throw new Error('shown inside the inbox')
  return acting
}
