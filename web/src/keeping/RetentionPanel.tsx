/** For how long events are to be kept: written down for people and programs. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useId, useState } from 'react'
import { keeping } from '../api/keeping'
import type { Retention } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { spanProblem } from './span'
import { useSpaces } from './SpanFields'
import { keptText } from './told'

const FOREVER = -1
const DAYS_MAX = 36_500
const DAYS_FIRST = 365

export function RetentionPanel() {
  const { rights } = useSigned()
  const [asked, setAsked] = useState<Retention | 'space' | undefined>()
  const retention = useQuery({ queryKey: ['retention'], queryFn: ({ signal }) => keeping.retention(signal) })
  const manages = rights.may('settings.manage')
  return (
    <section className="panel" aria-labelledby="retention">
      <div className="panel-head">
        <h2 id="retention">How long events are to be kept</h2>
        {manages && (
          <button type="button" className="button small" onClick={() => setAsked('space')}>
            <Plus size={13} aria-hidden /> Set it for a space
          </button>
        )}
      </div>
      <p className="banner warning">
        <strong>Nothing is removed by itself yet.</strong> This is written down, shown, and recorded when it changes. What is due is removed below, or with <code>whodid at delete</code> from a daily job.
      </p>
      <Loaded query={retention}>
        {(list) => (
          <table className="page-table retention-table">
            <thead>
              <tr>
                <th scope="col">Events of</th>
                <th scope="col">Are to be kept</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map((item) => (
                <tr key={item.space ?? ''}>
                  <th scope="row" data-label="Events of">
                    {item.space === null ? 'the account, where nothing else is set' : <span className="mono">{item.space}</span>}
                  </th>
                  <td data-label="To be kept">{keptText(item.days)}</td>
                  <td className="row-action">
                    {manages && (
                      <button type="button" className="button small" aria-label={`Change how long events of ${item.space ?? 'the account'} are to be kept`} onClick={() => setAsked(item)}>
                        Change
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
      {asked !== undefined && <SetRetention known={asked === 'space' ? undefined : asked} onClose={() => setAsked(undefined)} />}
    </section>
  )
}

function SetRetention({ known, onClose }: { known: Retention | undefined; onClose: () => void }) {
  const client = useQueryClient()
  const [space, setSpace] = useState(known?.space ?? '')
  const [isForEver, setIsForEver] = useState(known !== undefined && known.days === FOREVER)
  const [days, setDays] = useState(known === undefined || known.days === FOREVER ? DAYS_FIRST : known.days)
  const spaces = useSpaces(known === undefined)
  const id = useId()
  const isOfAccount = known !== undefined && known.space === null
  const whose = isOfAccount ? 'the account' : `space ${space}`
  const problem = isOfAccount ? undefined : spanProblem({ from: '2026-01-01', to: '2026-01-01', hour: '', of: 'space', space })
  const save = useChange({
    mutationFn: () => keeping.setRetention({ days: isForEver ? FOREVER : days, ...(isOfAccount ? {} : { space }) }),
    onSuccess: (now) => {
      void client.invalidateQueries({ queryKey: ['retention'] })
      void client.invalidateQueries({ queryKey: ['history'] })
      notify(`Events of ${whose} are to be kept ${now.days === FOREVER ? 'for ever' : `for ${keptText(now.days)}`}`)
      onClose()
    },
  })
  return (
    <Dialog title={known === undefined ? 'How long events of a space are to be kept' : `How long events of ${whose} are to be kept`} className="dialog-small" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        {known === undefined && (
          <div className="field">
            <label htmlFor={`${id}-space`}>Space</label>
            <input id={`${id}-space`} type="text" className="field-input mono" list={`${id}-spaces`} required autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder="dev" value={space} onChange={(event) => setSpace(event.target.value.trim())} />
            <datalist id={`${id}-spaces`}>
              {spaces.map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
            {space !== '' && problem !== undefined && <p className="field-error">{problem}</p>}
          </div>
        )}
        <fieldset className="radio-list">
          <legend>To be kept</legend>
          <label>
            <input type="radio" name="kept" checked={isForEver} onChange={() => setIsForEver(true)} />
            <span>
              <strong>For ever</strong>
            </span>
          </label>
          <label>
            <input type="radio" name="kept" checked={!isForEver} onChange={() => setIsForEver(false)} />
            <span>
              <strong>For a number of days</strong>
              <span className="muted small">counted from the time of the event</span>
            </span>
          </label>
        </fieldset>
        {!isForEver && (
          <div className="field">
            <label htmlFor={`${id}-days`}>Days</label>
            <input id={`${id}-days`} type="number" className="field-input" required min={1} max={DAYS_MAX} step={1} value={Number.isNaN(days) ? '' : days} onChange={(event) => setDays(event.target.valueAsNumber)} />
          </div>
        )}
        <p className="muted small">Nothing is removed by this.</p>
        <ChangeError error={save.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={problem !== undefined || save.isPending}>
            {save.isPending ? 'Saving…' : 'Save'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
