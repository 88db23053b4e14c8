/** What stands beside a filter's text: whether it does anything, and, where rules stand in the same text, their tests. */
import { Link } from '@tanstack/react-router'
import { CircleCheck, CircleOff, TriangleAlert } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { useState } from 'react'
import type { RuleSummary } from '../api/shapes'
import { useSigned } from '../session/me'
import { History, historyOf } from '../settings/History'
import { useChosenInSight } from '../ui/useChosenInSight'
import { useRules } from './queries'
import type { PartsProps } from './RuleParts'
import { TestCount } from './TestCount'
import { TestsPanel } from './TestsPanel'
import { TryPanel } from './TryPanel'
import { usePart } from './usePart'

export function FilterParts({ detail, text, checked }: PartsProps) {
  const { rule } = detail
  const { rights } = useSigned()
  const seesHistory = rights.may('audit.read')
  const hasRules = (checked.check?.rules.length ?? 0) > 0 || (checked.check?.tests.length ?? 0) > 0
  const [part, setPart] = usePart(['effect', ...(hasRules ? (['tests', 'try'] as const) : []), ...(seesHistory ? (['history'] as const) : [])])
  const tabs = useChosenInSight(part)
  const [events, setEvents] = useState('')
  return (
    <Tabs.Root className="panel rule-side" value={part} onValueChange={setPart}>
      <Tabs.List className="tabs" aria-label="Parts of the filter" ref={tabs}>
        <Tabs.Trigger value="effect">Effect</Tabs.Trigger>
        {hasRules && (
          <>
            <Tabs.Trigger value="tests">
              Tests
              <TestCount checked={checked} />
            </Tabs.Trigger>
            <Tabs.Trigger value="try">Try</Tabs.Trigger>
          </>
        )}
        {seesHistory && <Tabs.Trigger value="history">History</Tabs.Trigger>}
      </Tabs.List>
      <Tabs.Content className="rule-part" value="effect">
        <Effect rule={rule} />
      </Tabs.Content>
      {hasRules && (
        <>
          <Tabs.Content className="rule-part" value="tests">
            <TestsPanel checked={checked} only={rule.id} />
          </Tabs.Content>
          <Tabs.Content className="rule-part" value="try">
            <TryPanel text={text} isOnlyFilter={checked.isOnlyFilter} events={events} onEvents={setEvents} />
          </Tabs.Content>
        </>
      )}
      {seesHistory && (
        <Tabs.Content className="rule-part" value="history">
          <History q={historyOf(['rule'], rule.id)} isCompact />
        </Tabs.Content>
      )}
    </Tabs.Root>
  )
}

function Effect({ rule }: { rule: RuleSummary }) {
  const isUnused = useRules().data?.problems.some((problem) => problem.rule === rule.id && problem.code === 'unused_filter') ?? false
  return (
    <div className="filter-effect">
      <p className="with-icon" role="status">
        {!rule.is_enabled ? (
          <>
            <CircleOff size={14} aria-hidden /> It is off, so nothing is left out.
          </>
        ) : isUnused ? (
          <span className="warn with-icon">
            <TriangleAlert size={14} aria-hidden /> It applies, but meets no rule that runs.
          </span>
        ) : (
          <span className="good with-icon">
            <CircleCheck size={14} aria-hidden /> It applies to every event that comes in.
          </span>
        )}
      </p>
      <p className="muted">What it leaves out is found nowhere and counted nowhere. An exception keeps it visible as silenced, and is mostly what you want.</p>
      <p>
        <Link to="/rules/exceptions" search={{}} className="link-button">
          Exceptions
        </Link>
      </p>
    </div>
  )
}
