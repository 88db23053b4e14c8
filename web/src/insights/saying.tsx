/** What people say of an insight: that it was expected, that it was useful, and that they take it back. */
import { createContext, use, useState, type ReactNode } from 'react'
import { insights } from '../api/insights'
import type { Insight, InsightFeedback } from '../api/shapes'
import { useChange } from '../session/change'
import type { Rights } from '../session/rights'
import { notify } from '../ui/notice'
import { ExpectDialog } from './ExpectDialog'
import { useInsightChanged } from './queries'
import { UsefulDialog } from './UsefulDialog'

export interface Saying {
  /** Nothing for who may say something; otherwise why not. */
  reason: string | undefined
  isBusy: boolean
  /** Each opens the dialog that asks for more. */
  expect: (insight: Insight) => void
  praise: (insight: Insight) => void
  takeBack: (insight: Insight) => void
}

export const SayingContext = createContext<Saying | undefined>(undefined)

export function useSayingHere(): Saying {
  const saying = use(SayingContext)
  if (!saying) throw new Error('shown inside the page of insights')
  return saying
}

export function useSaying(rights: Rights): { context: Saying; dialogs: ReactNode } {
  const changed = useInsightChanged()
  const [asked, setAsked] = useState<{ what: 'expect' | 'praise'; insight: Insight } | undefined>()
  const back = useChange({
    mutationFn: (insight: Insight) => insights.say(insight.id, { verdict: null } satisfies InsightFeedback),
    onSuccess: (insight) => {
      changed(insight)
      notify('Taken back')
    },
    onError: (error) => notify(error.message),
  })
  const close = (): void => setAsked(undefined)
  const done = (insight: Insight, said: string): void => {
    changed(insight)
    notify(said)
    close()
  }
  return {
    context: {
      reason: rights.may('alerts.manage') ? undefined : 'Saying what an insight was needs alerts.manage',
      isBusy: back.isPending,
      expect: (insight) => setAsked({ what: 'expect', insight }),
      praise: (insight) => setAsked({ what: 'praise', insight }),
      takeBack: (insight) => back.mutate(insight),
    },
    dialogs: (
      <>
        {asked?.what === 'expect' && <ExpectDialog insight={asked.insight} mayExcept={rights.may('rules.manage')} onDone={(insight, isFromNowOn) => done(insight, isFromNowOn ? 'Such insights are expected from now on' : 'Left out of the list as expected')} onClose={close} />}
        {asked?.what === 'praise' && <UsefulDialog insight={asked.insight} onDone={(insight) => done(insight, 'Noted as useful')} onClose={close} />}
      </>
    ),
  }
}
