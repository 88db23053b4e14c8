/** The inbox: the list left, what is read right. Keys, bulk acts and dialogs are shared by both. */
import { getRouteApi, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { AlertFilter } from '../api/alerts'
import type { Alert, AlertAct, Level } from '../api/shapes'
import { LEVELS } from '../rules/words'
import { useChange } from '../session/change'
import { Gate } from '../session/Gate'
import { useSigned } from '../session/me'
import { notify } from '../ui/notice'
import { ActingContext, actOn, type Acting, type Ask, type Outcome, type Refused } from './acting'
import { AlertList } from './AlertList'
import { ExceptionFromAlert } from './ExceptionFromAlert'
import { usePeople } from './people'
import { useAlertsAgain, useAlertsChanged } from './queries'
import { ResolveDialog } from './ResolveDialog'
import { SilenceAlert } from './SilenceAlert'
import { named } from './words'

const route = getRouteApi('/shell/alerts/inbox')

export function InboxPage() {
  return (
    <Gate need={['alerts.read']}>
      <Inbox />
    </Gate>
  )
}

export interface InboxSearch {
  status?: string
  severity?: string
  assignee?: string
  rule?: string
}

/** The address as the list asks it: without a status those that are open. */
function filterOf({ status, severity, assignee, rule }: InboxSearch): AlertFilter {
  const level: Level | undefined = LEVELS.find((name) => name === severity)
  return {
    ...(status === 'all' ? {} : { status: status === 'acknowledged' || status === 'resolved' ? status : 'open' }),
    ...(level === undefined ? {} : { severity: level }),
    ...(assignee === undefined ? {} : { assignee }),
    ...(rule === undefined ? {} : { rule }),
  }
}

const NONE: readonly Refused[] = []

function Inbox() {
  const search: InboxSearch = route.useSearch()
  const navigate = useNavigate()
  const { rights } = useSigned()
  const { mine, name } = usePeople()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const open = /^\/alerts\/([^/]+)$/.exec(path)?.[1]
  const filter = useMemo(() => filterOf(search), [search])
  const changed = useAlertsChanged()
  const loadAgain = useAlertsAgain()
  const [asked, setAsked] = useState<{ what: Ask; alerts: readonly Alert[] } | undefined>()
  const [refused, setRefused] = useState(NONE)
  const [reason, setReason] = useState('')

  const took = (outcome: Outcome, said: string): void => {
    changed(outcome.done)
    setRefused(outcome.refused)
    if (outcome.done.length > 0) notify(`${named(outcome.done.map((detail) => detail.alert))} ${said}`)
  }
  const run = useChange({
    mutationFn: ({ chosen, act }: { chosen: readonly Alert[]; act: (alert: Alert) => AlertAct; said: string }) => actOn(chosen, act),
    onSuccess: (outcome, { said }) => took(outcome, said),
    onError: (error) => notify(error.message),
  })
  const acting: Acting = {
    reason: rights.may('alerts.manage') ? undefined : 'Acting on alerts needs alerts.manage',
    isBusy: run.isPending,
    acknowledge: (chosen) => {
      const waiting = chosen.filter((alert) => alert.status === 'open')
      if (waiting.length === 0) notify(chosen.length === 1 ? `It is ${chosen[0]?.status ?? ''} already` : 'None of them is open')
      else run.mutate({ chosen: waiting, act: (alert) => ({ act: 'acknowledge', revision: alert.revision }), said: 'acknowledged' })
    },
    reopen: (alert) => run.mutate({ chosen: [alert], act: () => ({ act: 'reopen' }), said: 'open again' }),
    unsilence: (alert) => run.mutate({ chosen: [alert], act: () => ({ act: 'unsilence' }), said: 'tells again' }),
    assign: (chosen, to) => run.mutate({ chosen, act: () => (to === undefined ? { act: 'assign' } : { act: 'assign', to }), said: to === undefined ? 'given to nobody in particular' : `given to ${mine(to) ? 'you' : name(to)}` }),
    ask: (what, chosen) => {
      const fit = what === 'resolve' ? chosen.filter((alert) => alert.status !== 'resolved') : chosen
      if (fit.length === 0) notify('It is resolved already')
      else {
        setReason('')
        setAsked({ what, alerts: fit })
      }
    },
    refused,
    again: () => {
      setRefused(NONE)
      loadAgain()
    },
  }
  const close = (): void => setAsked(undefined)
  const openAlert = (id: string | undefined, replace: boolean): void =>
    void (id === undefined ? navigate({ to: '/alerts', search: (now) => now, replace }) : navigate({ to: '/alerts/$id', params: { id }, search: (now) => now, replace }))
  const [only] = asked?.alerts ?? []
  return (
    <ActingContext value={acting}>
      <div className="inbox">
        <AlertList key={JSON.stringify(filter)} filter={filter} open={open} isAsking={asked !== undefined} onOpen={openAlert} onFilter={(change) => void navigate({ to: '.', search: (now) => ({ ...now, ...change }), replace: true })} />
        <Outlet />
      </div>
      {asked?.what === 'resolve' && <ResolveDialog alerts={asked.alerts} proposed={reason} onDone={(outcome) => { took(outcome, 'resolved'); close() }} onClose={close} />}
      {asked?.what === 'silence' && only && <SilenceAlert alert={only} onDone={(outcome) => { took(outcome, 'tells nobody for now'); close() }} onClose={close} />}
      {asked?.what === 'exception' && only && (
        <ExceptionFromAlert
          alert={only}
          onMade={(exception) => {
            // What is right needs nobody any more.
            if (only.status === 'resolved' || acting.reason !== undefined) close()
            else {
              setReason(`An exception holds from now on: ${exception.reason}`)
              setAsked({ what: 'resolve', alerts: [only] })
            }
          }}
          onClose={close}
        />
      )}
    </ActingContext>
  )
}
