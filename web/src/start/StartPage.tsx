/** Home: what was found lately, what waits for somebody, and what is looked at. */
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { FirstRun } from '../activity/Empty'
import { FOUND } from '../activity/preset'
import { useSigned } from '../session/me'
import { Trouble } from '../ui/Trouble'
import { findingsOf, findingsText, foundBy, splitCards, verdict } from './cards'
import { CustomSection } from './CustomCard'
import { Insights } from './Insights'
import { LatestFindings } from './LatestFindings'
import { OpenAlerts } from './OpenAlerts'
import { Part } from './Part'
import { useCards, useHasEvents, useLatestFindings, useWaitingAlerts } from './queries'
import { UnusualNow } from './UnusualNow'
import { Watched } from './Watched'

export function StartPage() {
  const client = useQueryClient()
  const { rights } = useSigned()
  const cards = useCards()
  const waiting = useWaitingAlerts()
  const latest = useLatestFindings()
  const isFirst = useHasEvents() === false
  // The first event has come: what was empty asks again.
  useEffect(() => {
    if (isFirst) return () => void client.invalidateQueries()
    return undefined
  }, [isFirst, client])
  const { own, others } = cards.data ? splitCards(cards.data) : { own: undefined, others: [] }
  const found = own && foundBy(own)
  const all = [cards, waiting, latest]
  if (all.every((query) => query.isError && query.data === undefined)) {
    return (
      <div className="page start-page">
        <h1 className="visually-hidden">Home</h1>
        <Trouble error={cards.error} onRetry={() => void Promise.all(all.map((query) => query.refetch()))} />
      </div>
    )
  }
  return (
    <div className="page start-page">
      <header className="page-head">
        <h1>{waiting.data ? verdict(waiting.data.counts) : <span className={waiting.isError ? '' : 'start-waiting'}>Home</span>}</h1>
        <p className="muted start-lead">{found === undefined ? ' ' : found === 0 ? 'No finding in the last five days.' : `${findingsText(found)} in the last five days.`}</p>
      </header>
      {isFirst && (
        <div className="panel start-first">
          <FirstRun />
        </div>
      )}
      <div className="start-columns">
        <div className="start-main">
          <Part
            title="Activity Insights"
            aside={`the last five days`}
            query={cards}
            shape="insights"
            action={
              cards.data?.days[0] !== undefined && (
                <Link to="/activity" search={findingsOf(FOUND, cards.data.days[0])} preload={false} className="link-button">
                  All findings
                </Link>
              )
            }
          >
            {(data) => (own ? <Insights card={own} days={data.days} /> : <p className="empty-line">The server gave no numbers.</p>)}
          </Part>
          <Part
            title="Latest findings"
            query={latest}
            shape="rows"
            action={
              <Link to="/activity" search={{ stream: 'findings', q: FOUND, from: 'now-30d' }} preload={false} className="link-button">
                All of 30 days
              </Link>
            }
          >
            {(page) => <LatestFindings events={page.events} alerts={waiting.data?.alerts ?? []} />}
          </Part>
        </div>
        <div className="start-side">
          <Part
            title="Alerts"
            query={waiting}
            shape="alerts"
            action={
              <Link to="/alerts" search={{}} preload={false} className="link-button">
                All open
              </Link>
            }
          >
            {(data) => <OpenAlerts counts={data.counts} alerts={data.alerts} />}
          </Part>
          {rights.seesAllEvents && <UnusualNow />}
          <Watched />
        </div>
      </div>
      {cards.data && others.map((section) => <CustomSection key={section.title} section={section} days={cards.data.days} />)}
    </div>
  )
}


