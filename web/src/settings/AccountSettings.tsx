/** The account's settings, each with what it does; what would change stands before it is saved. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ArrowRight } from 'lucide-react'
import { useId, useState } from 'react'
import { admin } from '../api/admin'
import type { Settings } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { READS_EVENTS } from '../session/rights'
import { ChangeError } from '../ui/Confirm'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { AboutServer } from './AboutServer'
import { historyOf } from './History'
import { changesOf, GROUPS, minutesText, updateOf } from './settingLines'
import { Tab } from './Tab'

export function AccountTab() {
  const settings = useQuery({ queryKey: ['settings'], queryFn: ({ signal }) => admin.settings(signal) })
  const { account, rights } = useSigned()
  return (
    <Tab
      title="Account"
      lead={
        <>
          What holds for everybody in <span className="mono">{account}</span>.
        </>
      }
      need={['settings.read']}
      history={historyOf(['account'])}
    >
      <Loaded query={settings}>{(data) => <SettingsForm key={JSON.stringify(data)} saved={data} />}</Loaded>
      {rights.mayAny(READS_EVENTS) && <AboutServer />}
    </Tab>
  )
}

function SettingsForm({ saved }: { saved: Settings }) {
  const { rights } = useSigned()
  const client = useQueryClient()
  const [draft, setDraft] = useState(saved)
  const id = useId()
  const mayManage = rights.may('settings.manage')
  const changes = changesOf(saved, draft)
  const save = useChange({
    mutationFn: () => admin.updateSettings(updateOf(saved, draft)),
    onSuccess: (now) => {
      client.setQueryData(['settings'], now)
      void client.invalidateQueries({ queryKey: ['me'] })
      notify('The settings are saved')
    },
  })
  const set = (name: keyof Settings, value: string | number | boolean): void => setDraft({ ...draft, [name]: value })
  return (
    <form
      className="settings-form"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      {GROUPS.map((group) => (
        <fieldset key={group.title} className="panel setting-group" disabled={!mayManage}>
          <legend>{group.title}</legend>
          {group.lines.map(({ name, label, what, unit, min, max }) => {
            const value = draft[name]
            const field = `${id}-${name}`
            return (
              <div key={name} className={`setting${value === saved[name] ? '' : ' changed-setting'}`}>
                <div>
                  <label htmlFor={field}>{label}</label>
                  <p className="muted small" id={`${field}-what`}>
                    {what}
                  </p>
                </div>
                {typeof value === 'boolean' ? (
                  <input id={field} type="checkbox" role="switch" className="switch" checked={value} aria-describedby={`${field}-what`} onChange={(event) => set(name, event.target.checked)} />
                ) : typeof value === 'number' ? (
                  <span className="setting-number">
                    <input id={field} type="number" className="field-input" required min={min} max={max} value={Number.isNaN(value) ? '' : value} aria-describedby={`${field}-what`} onChange={(event) => set(name, event.target.valueAsNumber)} />
                    <span className="muted small">
                      {unit}
                      {unit === 'minutes' && value >= 60 && ` (${minutesText(value)})`}
                    </span>
                  </span>
                ) : (
                  <input id={field} type="text" className="field-input setting-text" required maxLength={200} value={value} aria-describedby={`${field}-what`} onChange={(event) => set(name, event.target.value)} />
                )}
              </div>
            )
          })}
        </fieldset>
      ))}
      {!mayManage && <p className="muted small">You may look at the settings, not change them.</p>}
      {changes.length > 0 && (
        <div className="save-bar" role="region" aria-label="What would change">
          <ul>
            {changes.map((change) => (
              <li key={change.label}>
                <span className="muted">{change.label}</span> <del>{change.from}</del> <ArrowRight size={12} aria-label="to" /> <ins>{change.to}</ins>
              </li>
            ))}
          </ul>
          <ChangeError error={save.error} />
          <div className="button-row">
            <button type="button" className="button" onClick={() => setDraft(saved)}>
              Undo
            </button>
            <button type="submit" className="button primary" disabled={save.isPending}>
              {save.isPending ? 'Saving…' : changes.length === 1 ? 'Save the change' : `Save ${changes.length} changes`}
            </button>
          </div>
        </div>
      )}
    </form>
  )
}
