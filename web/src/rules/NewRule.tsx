/** A rule of one's own: from a form, from a template, or from a package's rule. */
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { ChevronLeft } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { useId, useRef, useState } from 'react'
import { rules } from '../api/rules'
import { useChange } from '../session/change'
import { Gate } from '../session/Gate'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { Unsaved } from '../ui/Unsaved'
import { BacktestPanel } from './BacktestPanel'
import { copyOf } from './copyOf'
import { ProblemList } from './ProblemList'
import { useRule, useRuleChanged } from './queries'
import { RuleFormPanel } from './RuleFormPanel'
import { EMPTY_FORM, formProblem, yamlOf, type RuleForm } from './ruleForm'
import { TEMPLATES, type Template } from './templates'
import { TestCount } from './TestCount'
import { TestsPanel } from './TestsPanel'
import { TryPanel } from './TryPanel'
import { useBacktest } from './useBacktest'
import { useCheck } from './useCheck'
import { isFilter } from './words'
import { YamlEditor, type EditorHandle } from './YamlEditor'

const route = getRouteApi('/shell/rules/new')
type Part = 'form' | 'tests' | 'try' | 'backtest'

export function NewRulePage() {
  const { copy, action } = route.useSearch()
  return (
    <Gate need={['rules.manage']}>
      <div className="page rule-page">
        <Link to="/rules" search={{}} className="back-link">
          <ChevronLeft size={14} aria-hidden /> Rules
        </Link>
        <header className="page-head">
          <h1>{copy === undefined ? 'New rule' : 'Copy of a rule'}</h1>
          <p className="muted">{copy === undefined ? 'Write it in Sigma’s YAML, or say the simple case in the form beside it.' : 'The copy is your own: change it as you like. The rule it comes from still runs; switch that off if yours takes its place.'}</p>
        </header>
        {copy === undefined ? <Editor key={action} begin={undefined} action={action} /> : <Copied key={copy} id={copy} />}
      </div>
    </Gate>
  )
}

function Copied({ id }: { id: string }) {
  const rule = useRule(id)
  return <Loaded query={rule}>{(detail) => <Editor begin={copyOf(detail.text)} action={undefined} />}</Loaded>
}

const formFor = (action: string | undefined): RuleForm => (action === undefined ? EMPTY_FORM : { ...EMPTY_FORM, conditions: [{ field: 'action', operator: 'is', value: action }] })

function Editor({ begin: given, action }: { begin: string | undefined; action: string | undefined }) {
  const id = useId()
  const navigate = useNavigate()
  const changed = useRuleChanged()
  const editor = useRef<EditorHandle>(null)
  // The rule that is copied may change meanwhile: not this copy.
  const [begin] = useState(given)
  const [form, setForm] = useState(() => formFor(action))
  const [text, setText] = useState(() => begin ?? (action === undefined ? (TEMPLATES[0]?.text ?? '') : ''))
  // What was written by a template or the form: as long as it stands, it may be replaced without asking.
  const [written, setWritten] = useState(text)
  const [template, setTemplate] = useState(begin === undefined && action === undefined ? TEMPLATES[0]?.id : undefined)
  const [isEnabled, setIsEnabled] = useState(true)
  const [part, setPart] = useState<Part>(action === undefined ? 'tests' : 'form')
  const [events, setEvents] = useState('')
  const [asked, setAsked] = useState<Template | undefined>()
  const checked = useCheck(text)
  const backtest = useBacktest()
  const isWritten = text.trim() !== '' && text !== begin && !TEMPLATES.some((one) => one.text === text)
  const isByHand = text !== written && text.trim() !== ''
  const failed = checked.check?.tests.filter((test) => !test.passed).length ?? 0
  const write = (next: string): void => {
    setText(next)
    setWritten(next)
  }
  const take = (one: Template): void => {
    write(one.text)
    setTemplate(one.id)
    setAsked(undefined)
    if (part === 'form') setPart('tests')
  }
  const save = useChange({
    mutationFn: () => rules.create({ text, is_enabled: isEnabled }),
    onSuccess: (detail) => {
      changed(detail)
      notify(`“${detail.rule.title}” is saved${detail.rule.is_enabled ? (isFilter(detail.rule) ? ' and applies' : ' and runs') : ''}`)
      void navigate({ to: '/rules/rule/$id', params: { id: detail.rule.id }, search: {}, ignoreBlocker: true })
    },
  })
  const onForm = (next: RuleForm): void => {
    setForm(next)
    if (isByHand || formProblem(next) !== undefined) return
    write(yamlOf(next))
    setTemplate(undefined)
  }
  return (
    <>
      <Unsaved isChanged={isWritten || events.trim() !== ''} what="The rule and the events you try it on" />
      {begin === undefined && (
        <fieldset className="templates">
          <legend className="field-name">Begin with</legend>
          {TEMPLATES.map((one) => (
            <button
              key={one.id}
              type="button"
              className="template"
              aria-pressed={template === one.id}
              onClick={() => (isByHand ? setAsked(one) : take(one))}
            >
              <strong>{one.label}</strong>
              <span className="muted small">{one.what}</span>
            </button>
          ))}
        </fieldset>
      )}
      <div className="rule-columns">
        <div className="rule-main">
          <section className="panel rule-text" aria-labelledby={`${id}-head`}>
            <div className="panel-head">
              <h2 id={`${id}-head`}>YAML</h2>
              <span className="muted small">Tab indents; Esc, then Tab, leaves the text.</span>
            </div>
            <YamlEditor ref={editor} label="YAML of the rule" value={text} onChange={setText} problems={checked.lines} describedBy={`${id}-problems`} />
            <ProblemList id={`${id}-problems`} checked={checked} editor={editor} />
            <ChangeError error={save.error} />
            <div className="button-row rule-save">
              <label className="switch-line">
                <input type="checkbox" role="switch" className="switch" checked={isEnabled} onChange={(event) => setIsEnabled(event.target.checked)} />
                <span>{checked.isOnlyFilter ? 'Apply it at once' : 'Run it at once'}</span>
              </label>
              {isEnabled && failed > 0 && checked.isCurrent && <span className="bad small">Its tests must pass first.</span>}
              <span className="spring" />
              <Link to="/rules" search={{}} className="button">
                Cancel
              </Link>
              <button type="button" className="button primary" disabled={save.isPending || !checked.isCurrent || checked.hasErrors || checked.usable.rules + checked.usable.filters === 0 || (isEnabled && failed > 0)} onClick={() => save.mutate()}>
                {save.isPending ? 'Saving…' : checked.isOnlyFilter ? 'Save the filter' : 'Save the rule'}
              </button>
            </div>
          </section>
        </div>
        <Tabs.Root className="panel rule-side" value={part} onValueChange={(next) => setPart(next as Part)}>
          <Tabs.List className="tabs" aria-label="Beside the YAML">
            <Tabs.Trigger value="form">Form</Tabs.Trigger>
            <Tabs.Trigger value="tests">
              Tests
              <TestCount checked={checked} />
            </Tabs.Trigger>
            <Tabs.Trigger value="try">Try</Tabs.Trigger>
            <Tabs.Trigger value="backtest">Backtest</Tabs.Trigger>
          </Tabs.List>
          <Tabs.Content className="rule-part" value="form">
            <RuleFormPanel
              form={form}
              onChange={onForm}
              isByHand={isByHand}
              onReplace={() => {
                write(yamlOf(form))
                setTemplate(undefined)
              }}
            />
          </Tabs.Content>
          <Tabs.Content className="rule-part" value="tests">
            <TestsPanel checked={checked} />
          </Tabs.Content>
          <Tabs.Content className="rule-part" value="try">
            <TryPanel text={text} isOnlyFilter={checked.isOnlyFilter} events={events} onEvents={setEvents} />
          </Tabs.Content>
          <Tabs.Content className="rule-part" value="backtest">
            <BacktestPanel backtest={backtest} text={text} checked={checked} editor={editor} />
          </Tabs.Content>
        </Tabs.Root>
      </div>
      {asked && (
        <Confirm title="Replace your text?" action="Replace it" keep="Keep mine" isGrave={false} change={() => Promise.resolve(asked)} onDone={take} onClose={() => setAsked(undefined)}>
          <p>The template “{asked.label}” takes the place of what you wrote. What you wrote is not kept.</p>
        </Confirm>
      )}
    </>
  )
}
