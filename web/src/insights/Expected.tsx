/** What is expected from now on: kept, and told to nobody. */
import { Plus, UserCheck } from 'lucide-react'
import { useId, useState } from 'react'
import { insights } from '../api/insights'
import type { ExpectedInsight } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { historyOf } from '../settings/History'
import { Tab } from '../settings/Tab'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Empty } from '../ui/Empty'
import { useRowsLeave } from '../ui/focus'
import { useNow } from '../ui/hooks'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { count } from '../ui/number'
import { When } from '../ui/When'
import { patternOf, patternProblem, rowsOf, type Expiry } from './expecting'
import { PatternFields } from './PatternFields'
import { PatternPreview } from './PatternPreview'
import { PatternWords } from './PatternWords'
import { useExpected, useInsightsAgain } from './queries'
import { Link } from '@tanstack/react-router'

export function ExpectedTab() {
  const { rights } = useSigned()
  const expected = useExpected()
  const [isCreating, setIsCreating] = useState(false)
  useRowsLeave(expected.data?.length)
  const mayManage = rights.may('rules.manage')
  return (
    <Tab
      title="Expected"
      lead="Insights that are known and right. They are kept, stay visible with “Also expected”, and are told to nobody."
      need={['rules.read']}
      history={historyOf(['expected-insight'])}
      action={
        mayManage && (
          <button type="button" className="button primary" onClick={() => setIsCreating(true)}>
            <Plus size={14} aria-hidden /> Add a pattern
          </button>
        )
      }
    >
      <Loaded query={expected}>
        {(list) =>
          list.length === 0 ? (
            <Empty Icon={UserCheck} title="Nothing is expected beforehand">
              <p>Every insight is told. {mayManage ? 'Say of one that it was expected “from now on”, and those like it stand here, with why and until when.' : ''}</p>
            </Empty>
          ) : (
            <ExpectedTable list={list} mayManage={mayManage} />
          )
        }
      </Loaded>
      {!mayManage && <p className="muted small">You may look at what is expected, not change it: that needs <code>rules.manage</code>.</p>}
      {isCreating && <CreateExpected onClose={() => setIsCreating(false)} />}
    </Tab>
  )
}

function ExpectedTable({ list, mayManage }: { list: ExpectedInsight[]; mayManage: boolean }) {
  const now = useNow()
  const again = useInsightsAgain()
  const [deleting, setDeleting] = useState<ExpectedInsight | undefined>()
  const isOver = ({ pattern: { expires_at: until } }: ExpectedInsight): boolean => until != null && Date.parse(until) <= now
  const sorted = [...list].sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.created_at.localeCompare(a.created_at))
  return (
    <>
      <table className="page-table expected-table" aria-label="Expected from now on">
        <thead>
          <tr>
            <th scope="col">Insights</th>
            <th scope="col">Why</th>
            <th scope="col">By</th>
            <th scope="col">Until</th>
            <th scope="col" className="number">Silenced</th>
            <th scope="col">
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((one) => (
            <tr key={one.id} className={isOver(one) ? 'dimmed' : ''}>
              <th scope="row" data-label="Insights">
                <PatternWords pattern={one.pattern} />
              </th>
              <td data-label="Why">{one.reason}</td>
              <td data-label="By">
                <span className="stacked">
                  {one.created_by}
                  <span className="muted small">
                    <When iso={one.created_at} />
                    {one.insight != null && (
                      <>
                        {' '}
                        <Link to="/insights/$id" params={{ id: one.insight }} search={{}} preload={false}>
                          of this insight
                        </Link>
                      </>
                    )}
                  </span>
                </span>
              </td>
              <td data-label="Until">
                <span className="stacked">
                  {isOver(one) && <span className="tag">ended</span>}
                  <When iso={one.pattern.expires_at} none="for good" />
                </span>
              </td>
              <td data-label="Silenced" className="number tabular">
                {count(one.silenced)}
              </td>
              <td className="row-action">
                {mayManage && (
                  <button type="button" className="button small danger" aria-label={`Delete the pattern: ${one.reason}`} onClick={() => setDeleting(one)}>
                    Delete
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {deleting && (
        <Confirm
          title="Delete the pattern?"
          action="Delete it"
          keep="Keep it"
          change={() => insights.unexpect(deleting.id)}
          onDone={() => {
            again()
            notify('Such insights are told again')
            setDeleting(undefined)
          }}
          onClose={() => setDeleting(undefined)}
        >
          <PatternWords pattern={deleting.pattern} />
          <p>Insights like this are told again from now on. What it silenced so far stays as it is.</p>
        </Confirm>
      )}
    </>
  )
}

function CreateExpected({ onClose }: { onClose: () => void }) {
  const id = useId()
  const again = useInsightsAgain()
  const [rows, setRows] = useState(() => rowsOf(undefined))
  const [expiry, setExpiry] = useState<Expiry>('30')
  const [reason, setReason] = useState('')
  const [now] = useState(() => Date.now())
  const problem = patternProblem(rows)
  const missing = problem ?? (reason.trim() === '' ? 'Say why: others read it later.' : undefined)
  const create = useChange({
    mutationFn: () => insights.expect({ pattern: patternOf(rows, expiry, Date.now()), reason: reason.trim() }),
    onSuccess: () => {
      again()
      notify('Such insights are expected from now on')
      onClose()
    },
  })
  return (
    <Dialog title="Expected from now on" onClose={onClose}>
      <form
        className="stack expect-form"
        onSubmit={(event) => {
          event.preventDefault()
          if (missing === undefined && !create.isPending) create.mutate()
        }}
      >
        <PatternFields rows={rows} expiry={expiry} onRows={setRows} onExpiry={setExpiry} />
        <PatternPreview pattern={patternOf(rows, expiry, now)} problem={problem} />
        <label htmlFor={`${id}-reason`}>Why they are expected</label>
        <textarea id={`${id}-reason`} className="field-input" rows={2} maxLength={1000} required placeholder="The load test runs every Tuesday." value={reason} onChange={(event) => setReason(event.target.value)} />
        <ChangeError error={create.error} />
        <div className="dialog-foot">
          <span className="muted small" role="status">
            {missing}
          </span>
          <span className="spring" />
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={missing !== undefined || create.isPending}>
            Add the pattern
          </button>
        </div>
      </form>
    </Dialog>
  )
}
