/** One rule with everything about it. */
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { ChevronLeft, Copy, SearchX, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'
import { Problem } from '../api/problem'
import { rules } from '../api/rules'
import type { RuleDetail } from '../api/shapes'
import { Gate } from '../session/Gate'
import { useSigned } from '../session/me'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Empty } from '../ui/Empty'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { Unsaved } from '../ui/Unsaved'
import { Words } from '../ui/Words'
import { AboutRule } from './AboutRule'
import { FilterParts } from './FilterParts'
import { FilterTag } from './FilterTag'
import { LevelBadge } from './LevelBadge'
import { documentSpans } from './problemLines'
import { usePackages, useRule, useRulesAgain } from './queries'
import { isCounted } from './ruleFilter'
import { RuleParts } from './RuleParts'
import { RuleSwitch } from './RuleSwitch'
import { RuleText } from './RuleText'
import { useCheck } from './useCheck'
import { useDraft } from './useDraft'
import { isFilter, kindText } from './words'
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
  const isGone = rule.data === undefined && rule.error instanceof Problem && rule.error.status === 404
  return (
    <>
      <Link to="/rules" search={{}} className="back-link">
        <ChevronLeft size={14} aria-hidden /> Rules
      </Link>
      {isGone ? (
        <div role="alert">
          <Empty Icon={SearchX} title="No such rule">
            <p>No rule of this account has the id in the address: it was deleted, or its package is removed. What it found stays under Findings.</p>
            <div className="state-actions">
              <Link to="/rules" search={{}} className="button">
                All rules
              </Link>
            </div>
          </Empty>
        </div>
      ) : (
        <Loaded query={rule}>{(detail) => <Shown detail={detail} />}</Loaded>
      )}
    </>
  )
}

function Shown({ detail }: { detail: RuleDetail }) {
  const editor = useRef<EditorHandle>(null)
  const draft = useDraft(detail)
  const { text } = draft
  const checked = useCheck(text)
  const Parts = isFilter(detail.rule) ? FilterParts : RuleParts
  return (
    <>
      <Unsaved isChanged={draft.isChanged} what={`Your changes to “${detail.rule.title}”`} />
      <RuleHead detail={detail} />
      <div className="rule-columns">
        <div className="rule-main">
          <AboutRule detail={detail} />
          <RuleText draft={draft} checked={checked} editor={editor} />
        </div>
        <Parts detail={detail} text={text} checked={checked} editor={editor} />
      </div>
    </>
  )
}

function RuleHead({ detail }: { detail: RuleDetail }) {
  const { rule } = detail
  const { rights } = useSigned()
  const navigate = useNavigate()
  const again = useRulesAgain()
  const of = usePackages().data?.packages.find((one) => one.id === rule.package)
  const [refused, setRefused] = useState<Error | undefined>()
  const [isDeleting, setIsDeleting] = useState(false)
  const mayManage = rights.may('rules.manage')
  const isOnlyFilter = isFilter(rule)
  const isInForce = rule.is_enabled && rule.problem == null
  return (
    <>
      <header className="page-head with-action rule-head">
        <div>
          <h1>{rule.title}</h1>
          <p className="rule-marks">
            {isOnlyFilter ? (
              <FilterTag />
            ) : (
              <>
                <LevelBadge level={rule.level} />
                <span className="tag">{kindText(rule.kind)}</span>
              </>
            )}
            {rule.package == null ? (
              <span className="tag tag-accent">our own</span>
            ) : (
              <Link to="/rules/packages" search={{ open: rule.package }} className="tag tag-line">
                {of?.title ?? rule.package}
              </Link>
            )}
            {rule.problem != null && <span className="tag tag-warn">{isOnlyFilter ? 'does not apply' : 'does not run'}</span>}
            {rule.is_tuned && <span className="tag tag-accent">tuned</span>}
            {isCounted(rule) && <span className="tag tag-line">counted by others</span>}
            <code className="muted small">{rule.id}</code>
          </p>
        </div>
        <div className="button-row">
          <label className="switch-line">
            <RuleSwitch rule={rule} isPackageOff={of?.is_enabled === false} onRefused={setRefused} />
            <span>{isOnlyFilter ? (isInForce ? 'Applies' : 'Does not apply') : isInForce ? 'Runs' : 'Does not run'}</span>
          </label>
          {mayManage && rule.package != null && (
            <Link to="/rules/new" search={{ copy: rule.id }} className="button">
              <Copy size={14} aria-hidden /> Copy into a {isOnlyFilter ? 'filter' : 'rule'} of my own
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
      {rule.problem != null && (
        <p className="banner warning">
          It is on and {isOnlyFilter ? 'leaves nothing out' : 'finds nothing'} as it is: <Words text={rule.problem} />
          {of !== undefined && of.variables.length > 0 && (
            <>
              {' '}
              <Link to="/rules/packages" search={{ open: of.id }}>
                The package’s variables
              </Link>
            </>
          )}
        </p>
      )}
      {of?.is_enabled === false && (
        <p className="banner warning">
          {isOnlyFilter ? 'It leaves nothing out' : 'None of its package’s rules run'}: “{of.title}” is off.{' '}
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
            void navigate({ to: '/rules', search: {}, ignoreBlocker: true })
            again()
          }}
          onClose={() => setIsDeleting(false)}
        >
          <p>{isOnlyFilter ? 'What it leaves out is found again from now on' : 'It stops at once'}, and its text is gone for good: the audit log keeps a copy. {!isOnlyFilter && 'Findings that it made stay.'}</p>
          {documentSpans(detail.text.split('\n')).length > 1 && <p className="muted">The other rules and filters of the same text go with it.</p>}
        </Confirm>
      )}
    </>
  )
}
