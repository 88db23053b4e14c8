/** Stored events under Settings: how many there are, how long they are to be kept, taking them away, removing them. */
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useSigned } from '../session/me'
import { READS_EVENTS, SEES_STORED } from '../session/rights'
import { Tab } from '../settings/Tab'
import { DaysPanel } from './DaysPanel'
import { DownloadsPanel } from './DownloadsPanel'
import { RemovePanel } from './RemovePanel'
import { RetentionPanel } from './RetentionPanel'
import { searchOfSpan, spanOf, type Span } from './span'
import { KEEPING_HISTORY, toldOf } from './told'

const route = getRouteApi('/shell/settings/stored-events')
const NOTHING = { from: undefined, to: undefined, hour: undefined, of: undefined, space: undefined }

export function StoredEventsTab() {
  const { rights } = useSigned()
  const search = route.useSearch()
  const navigate = useNavigate()
  const [now] = useState(() => Date.now())
  const span = useMemo(() => spanOf(search, now), [search, now])
  const setSpan = (next: Span): void => void navigate({ to: '.', search: (before) => ({ ...before, ...NOTHING, ...searchOfSpan(next) }) })
  const parts = [
    ...(rights.mayAny(READS_EVENTS) ? ['how many there are'] : []),
    ...(rights.may('settings.read') ? ['how long they are to be kept'] : []),
    ...(rights.may('events.export') ? ['taking them away'] : []),
    ...(rights.may('events.erase') ? ['removing them'] : []),
  ]
  return (
    <Tab title="Stored events" lead={`Events by day, in UTC: ${parts.join(', ')}.`} need={SEES_STORED} history={KEEPING_HISTORY} say={toldOf}>
      <div className="stored">
        {rights.mayAny(READS_EVENTS) && <DaysPanel key={JSON.stringify(span)} span={span} onSpan={setSpan} />}
        {rights.may('settings.read') && <RetentionPanel />}
        {rights.may('events.export') && <DownloadsPanel span={span} />}
        {rights.may('events.erase') && <RemovePanel span={span} />}
      </div>
    </Tab>
  )
}
