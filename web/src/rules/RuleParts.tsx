/** What stands beside a rule's text: its tests, trying it, what it would have found, what is tuned and left out of it. */
import { Tabs } from 'radix-ui'
import { useState } from 'react'
import type { RuleDetail } from '../api/shapes'
import { useSigned } from '../session/me'
import { History, historyOf } from '../settings/History'
import { useChosenInSight } from '../ui/useChosenInSight'
import { BacktestPanel } from './BacktestPanel'
import { useExceptions } from './queries'
import { RuleExceptions } from './RuleExceptions'
import { TestCount } from './TestCount'
import { TestsPanel } from './TestsPanel'
import { TryPanel } from './TryPanel'
import { TuningPanel } from './TuningPanel'
import { useBacktest } from './useBacktest'
import type { Checked } from './useCheck'
import { usePart } from './usePart'
import type { EditorHandle } from './YamlEditor'

export interface PartsProps {
  detail: RuleDetail
  text: string
  checked: Checked
  editor: React.RefObject<EditorHandle | null>
}

export function RuleParts({ detail, text, checked, editor }: PartsProps) {
  const { rule } = detail
  const { rights } = useSigned()
  const seesHistory = rights.may('audit.read')
  const [part, setPart] = usePart(['tests', 'try', 'backtest', 'tuning', 'exceptions', ...(seesHistory ? ['history' as const] : [])])
  const tabs = useChosenInSight(part)
  const [events, setEvents] = useState('')
  const backtest = useBacktest()
  const all = useExceptions()
  const exceptions = all.data?.filter((exception) => exception.rules.includes(rule.id) || exception.rules.length === 0)
  const holding = exceptions?.filter((exception) => !exception.is_ended).length ?? 0
  return (
    <Tabs.Root className="panel rule-side" value={part} onValueChange={setPart}>
      <Tabs.List className="tabs" aria-label="Parts of the rule" ref={tabs}>
        <Tabs.Trigger value="tests">
          Tests
          <TestCount checked={checked} />
        </Tabs.Trigger>
        <Tabs.Trigger value="try">Try</Tabs.Trigger>
        <Tabs.Trigger value="backtest">Backtest</Tabs.Trigger>
        <Tabs.Trigger value="tuning">Tuning</Tabs.Trigger>
        <Tabs.Trigger value="exceptions">
          Exceptions{holding > 0 && <span className="tab-count">{holding}</span>}
        </Tabs.Trigger>
        {seesHistory && <Tabs.Trigger value="history">History</Tabs.Trigger>}
      </Tabs.List>
      <Tabs.Content className="rule-part" value="tests">
        <TestsPanel checked={checked} only={rule.id} />
      </Tabs.Content>
      <Tabs.Content className="rule-part" value="try">
        <TryPanel text={text} isOnlyFilter={checked.isOnlyFilter} events={events} onEvents={setEvents} />
      </Tabs.Content>
      <Tabs.Content className="rule-part" value="backtest">
        <BacktestPanel backtest={backtest} text={text} checked={checked} editor={editor} detail={detail} />
      </Tabs.Content>
      <Tabs.Content className="rule-part" value="tuning">
        <TuningPanel key={detail.version} detail={detail} />
      </Tabs.Content>
      <Tabs.Content className="rule-part" value="exceptions">
        <RuleExceptions rule={rule} query={all} exceptions={exceptions ?? []} />
      </Tabs.Content>
      {seesHistory && (
        <Tabs.Content className="rule-part" value="history">
          <History q={historyOf(['rule'], rule.id)} isCompact />
        </Tabs.Content>
      )}
    </Tabs.Root>
  )
}
