/** How insights are made: which kinds, how easily something is called unusual, and how far learning is. */
import { useQueryClient } from '@tanstack/react-query'
import { useId } from 'react'
import { insights } from '../api/insights'
import type { InsightSensitivity, InsightSettings, InsightStatus } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { historyOf } from '../settings/History'
import { Tab } from '../settings/Tab'
import { ChangeError } from '../ui/Confirm'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { bytes, count } from '../ui/number'
import { When } from '../ui/When'
import { KINDS } from './kinds'
import { useInsightStatus } from './queries'
import { learningOf, SENSITIVITIES } from './words'

export function InsightSettingsTab() {
  const status = useInsightStatus()
  return (
    <Tab title="Settings of insights" lead="What is watched for what is unusual, and how easily it is told. A change counts from the next event on." need="all-events" history={historyOf(['insight-settings'])}>
      <Loaded query={status}>{(data) => <Parts status={data} />}</Loaded>
    </Tab>
  )
}

function Parts({ status }: { status: InsightStatus }) {
  const { rights } = useSigned()
  const client = useQueryClient()
  const mayManage = rights.may('rules.manage')
  const save = useChange({
    mutationFn: ({ body }: { body: InsightSettings; said: string }) => insights.settings(body),
    onSuccess: (now, { said }) => {
      client.setQueryData(['insights', 'status'], now)
      void client.invalidateQueries({ queryKey: ['insights'] })
      void client.invalidateQueries({ queryKey: ['history'] })
      notify(said)
    },
  })
  // What was chosen stands at once; a refusal puts it back.
  const settings = save.isPending ? save.variables.body : status.settings
  const change = (body: Partial<InsightSettings>, said: string): void => {
    if (!save.isPending) save.mutate({ body: { ...settings, ...body }, said })
  }
  return (
    <div className="insight-settings">
      {!mayManage && (
        <p className="muted small">
          You may look at the settings, not change them: that needs <code>rules.manage</code>.
        </p>
      )}
      <ChangeError error={save.error} />
      <Kinds status={status} on={settings.on} mayManage={mayManage} onChange={change} />
      <Sensitivity value={settings.sensitivity ?? 'normal'} mayManage={mayManage} onChange={(sensitivity) => change({ sensitivity }, `Sensitivity is ${SENSITIVITIES[sensitivity].label.toLowerCase()} now`)} />
      <Learning status={status} />
    </div>
  )
}

function Kinds({ status, on, mayManage, onChange }: { status: InsightStatus; on: InsightSettings['on']; mayManage: boolean; onChange: (body: Partial<InsightSettings>, said: string) => void }) {
  const id = useId()
  return (
    <fieldset className="panel setting-group">
      <legend>Kinds</legend>
      {status.kinds.map((kind) => {
        const { title, what, Icon } = KINDS[kind.insight_type]
        const field = `${id}-${kind.insight_type}`
        return (
          <div key={kind.insight_type} className="setting">
            <div>
              <label htmlFor={field} className="with-icon">
                <Icon size={14} aria-hidden /> {title}
              </label>
              <p className="muted small" id={`${field}-what`}>
                {what}
                {kind.open > 0 && ` ${count(kind.open)} ${kind.open === 1 ? 'goes' : 'go'} on.`}
              </p>
            </div>
            <input
              id={field}
              type="checkbox"
              role="switch"
              className="switch"
              checked={on.includes(kind.insight_type)}
              disabled={!mayManage}
              title={mayManage ? undefined : 'Needs rules.manage'}
              aria-describedby={`${field}-what`}
              onChange={(event) => onChange({ on: event.target.checked ? [...on, kind.insight_type] : on.filter((one) => one !== kind.insight_type) }, `“${title}” is ${event.target.checked ? 'on' : 'off'}`)}
            />
          </div>
        )
      })}
    </fieldset>
  )
}

function Sensitivity({ value, mayManage, onChange }: { value: InsightSensitivity; mayManage: boolean; onChange: (value: InsightSensitivity) => void }) {
  const id = useId()
  return (
    <section className="panel">
      <h2 id={id}>Sensitivity</h2>
      <p className="muted small">How many insights that are none, of all kinds together, are accepted in the account. To accept more is to see smaller things.</p>
      <div className="radio-list sensitivity" role="radiogroup" aria-labelledby={id}>
        {(Object.keys(SENSITIVITIES) as InsightSensitivity[]).map((one) => (
          <label key={one}>
            <input type="radio" name={id} checked={value === one} disabled={!mayManage} onChange={() => onChange(one)} />
            <span>
              <strong>{SENSITIVITIES[one].label}</strong>
              <span className="muted small">{SENSITIVITIES[one].what}</span>
            </span>
          </label>
        ))}
      </div>
    </section>
  )
}

function Learning({ status }: { status: InsightStatus }) {
  const learning = learningOf(status)
  const lines: readonly [string, number, string][] = [
    ['Held', status.held, 'older events that are being put in order'],
    ['Behind', status.behind, 'events that wait to be looked at'],
    ['Late', status.late, 'came too late to be judged; they taught'],
    ['Forgotten', status.forgotten_series, 'series, because there were too many'],
    ['Untold', status.untold, 'insights beyond the most that are told in a day'],
  ]
  return (
    <section className="panel">
      <h2>What is known</h2>
      {status.learning_since == null ? (
        <p>No events came yet. A day after the first one, in the time of the events, insights begin; of trails that are stopped at once.</p>
      ) : learning ? (
        <>
          <progress className="learning-bar" value={learning.part} max={1} aria-label="Learned so far" />
          <p>
            Learning: {learning.text}. Insights begin <When iso={status.learning_until} />. Older events that are sent now shorten this, since their own times count.
          </p>
        </>
      ) : (
        <p>
          Insights are told. What is usual is known since <When iso={status.learning_since} />, and goes on being learned.
        </p>
      )}
      <dl className="rows">
        <div>
          <dt>Series</dt>
          <dd>
            {count(status.series)} <span className="muted small">of which {count(status.live_series)} had events within a week; about {bytes(status.state_bytes)}</span>
          </dd>
        </div>
        {lines
          .filter(([, value]) => value > 0)
          .map(([label, value, what]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                {count(value)} <span className="muted small">{what}</span>
              </dd>
            </div>
          ))}
      </dl>
    </section>
  )
}
