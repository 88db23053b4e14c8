/** One rule with everything about it. */
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { ChevronLeft, Copy, Trash2 } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { useRef, useState } from 'react'
import { rules } from '../api/rules'
import type { RuleDetail } from '../api/shapes'
import { Gate } from '../session/Gate'
import { useSigned } from '../session/me'
import { History, historyOf } from '../settings/History'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { AboutRule } from './AboutRule'
import { LevelBadge } from './LevelBadge'
import { useExceptions, usePackages, useRule, useRulesAgain } from './queries'
import { RuleExceptions } from './RuleExceptions'
import { RuleSwitch } from './RuleSwitch'
import { RuleText } from './RuleText'
import { TestsPanel } from './TestsPanel'
import { TryPanel } from './TryPanel'
import { TuningPanel } from './TuningPanel'
import { useCheck } from './useCheck'
import { kindText } from './words'
import type { EditorHandle } from './YamlEditor'

const route = getRouteApi('/shell/rules/rule/$id')

export function RulePage() {
  const { id } = route.useParams()
  return (
    <Gate need={['rules.read']}>
      <div className="page rule-page">
        <Asked key={id} id={id} />
      </div>
    </Gate>
  )
}

function Asked({ id }: { id: string }) {
  const rule = useRule(id)
  return (
    <>
      <Link to="/rules" search={{}} className="back-link">
        <ChevronLeft size={14} aria-hidden /> Rules
      </Link>
      <Loaded query={rule}>{(detail) => <Shown detail={detail} />}</Loaded>
    </>
  )
}

function Shown({ detail }: { detail: RuleDetail }) {
  const { rule } = detail
  const { rights } = useSigned()
  const { part = 'tests' } = route.useSearch()
  const navigate = route.useNavigate()
  const editor = useRef<EditorHandle>(null)
  const [text, setText] = useState(detail.text)
  const [events, setEvents] = useState('')
  const checked = useCheck(text)
  const exceptions = useExceptions().data?.filter((exception) => exception.rules.includes(rule.id) || exception.rules.length === 0)
  const holding = exceptions?.filter((exception) => !exception.is_ended).length ?? 0
  const failed = checked.check?.tests.filter((test) => !test.passed).length ?? 0
  return (
    <>
      <RuleHead detail={detail} />
      <div className="rule-columns">
        <div className="rule-main">
          <AboutRule detail={detail} />
          <RuleText detail={detail} text={text} onText={setText} checked={checked} editor={editor} />
        </div>
        <Tabs.Root className="panel rule-side" value={part} onValueChange={(next) => void navigate({ search: (now) => ({ ...now, part: next === 'tests' ? undefined : next }), replace: true })}>
          <Tabs.List className="tabs" aria-label="Parts of the rule">
            <Tabs.Trigger value="tests">
              Tests{checked.check && checked.check.tests.length > 0 && <span className={`tab-count${failed > 0 ? ' is-bad' : ''}`}>{checked.check.tests.length - failed}/{checked.check.tests.length}</span>}
            </Tabs.Trigger>
            <Tabs.Trigger value="try">Try events</Tabs.Trigger>
            <Tabs.Trigger value="tuning">Tuning</Tabs.Trigger>
            <Tabs.Trigger value="exceptions">
              Exceptions{holding > 0 && <span className="tab-count">{holding}</span>}
            </Tabs.Trigger>
            {rights.may('audit.read') && <Tabs.Trigger value="history">History</Tabs.Trigger>}
          </Tabs.List>
          <Tabs.Content className="rule-part" value="tests">
            <TestsPanel checked={checked} only={rule.id} />
          </Tabs.Content>
          <Tabs.Content className="rule-part" value="try">
            <TryPanel text={text} events={events} onEvents={setEvents} />
          </Tabs.Content>
          <Tabs.Content className="rule-part" value="tuning">
            <TuningPanel key={detail.version} detail={detail} />
          </Tabs.Content>
          <Tabs.Content className="rule-part" value="exceptions">
            <RuleExceptions rule={rule} exceptions={exceptions} />
          </Tabs.Content>
          {rights.may('audit.read') && (
            <Tabs.Content className="rule-part" value="history">
              <History q={historyOf(['rule'], rule.id)} isCompact />
            </Tabs.Content>
          )}
        </Tabs.Root>
      </div>
    </>
  )
}

function RuleHead({ detail }: { detail: RuleDetail }) {
  const { rule } = detail
  const { rights } = useSigned()
  const navigate = useNavigate()
  const again = useRulesAgain()
  const of = usePackages().data?.find((one) => one.id === rule.package)
  const [refused, setRefused] = useState<Error | undefined>()
  const [isDeleting, setIsDeleting] = useState(false)
  const mayManage = rights.may('rules.manage')
  return (
    <>
      <header className="page-head with-action rule-head">
        <div>
          <h1>{rule.title}</h1>
          <p className="rule-marks">
            <LevelBadge level={rule.level} />
            <span className="tag">{kindText(rule.kind)}</span>
            {rule.package == null ? (
              <span className="tag tag-accent">our own</span>
            ) : (
              <Link to="/rules/packages" search={{ open: rule.package }} className="tag tag-line">
                {of?.title ?? rule.package}
              </Link>
            )}
            {rule.is_tuned && <span className="tag tag-accent">tuned</span>}
            {rule.is_enabled && !rule.is_reported && <span className="tag tag-line">counted by others</span>}
            <code className="muted small">{rule.id}</code>
          </p>
        </div>
        <div className="button-row">
          <label className="switch-line">
            <RuleSwitch rule={rule} isPackageOff={of?.is_enabled === false} onRefused={setRefused} />
            <span>{rule.is_enabled ? 'Runs' : 'Does not run'}</span>
          </label>
          {mayManage && rule.package != null && (
            <Link to="/rules/new" search={{ copy: rule.id }} className="button">
              <Copy size={14} aria-hidden /> Copy into a rule of my own
            </Link>
          )}
          {mayManage && rule.package == null && (
            <button type="button" className="button danger" onClick={() => setIsDeleting(true)}>
              <Trash2 size={14} aria-hidden /> Delete
            </button>
          )}
        </div>
      </header>
      <ChangeError error={refused} />
      {of?.is_enabled === false && (
        <p className="banner warning">
          None of its package’s rules run: “{of.title}” is off.{' '}
          <Link to="/rules/packages" search={{ open: of.id }}>
            Open the package
          </Link>
        </p>
      )}
      {isDeleting && (
        <Confirm
          title={`Delete “${rule.title}”`}
          action="Delete"
          change={() => rules.delete(rule.id)}
          onDone={() => {
            notify(`“${rule.title}” is deleted`)
            void navigate({ to: '/rules', search: {} })
            again()
          }}
          onClose={() => setIsDeleting(false)}
        >
          <p>It stops at once, and its text is gone for good: the audit log keeps a copy. Findings that it made stay.</p>
          {/^---/m.test(detail.text) && <p className="muted">The other rules of the same text go with it.</p>}
        </Confirm>
      )}
    </>
  )
}
