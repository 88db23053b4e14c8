import { useId, useState } from 'react'
import { rules } from '../api/rules'
import type { PackageSummary, PackageVariable } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError, Confirm } from '../ui/Confirm'
import { notify } from '../ui/notice'
import { useRulesAgain } from './queries'

const TYPES: Record<string, string> = { text: 'One a line.', network: 'Addresses or networks such as 10.0.0.0/8, one a line.', number: 'Numbers, one a line.' }

const linesOf = (values: readonly string[]): string => values.join('\n')
const valuesOf = (text: string): string[] => [...new Set(text.split('\n').map((line) => line.trim()).filter(Boolean))]

/** Values of a package's variables, one a line. */
export function Variables({ of, mayManage }: { of: PackageSummary; mayManage: boolean }) {
  const again = useRulesAgain()
  const [drafts, setDrafts] = useState<Record<string, string>>({})
  const [resetting, setResetting] = useState<PackageVariable | undefined>()
  const changes = Object.fromEntries(
    of.variables.flatMap((variable) => {
      const values = valuesOf(drafts[variable.name] ?? linesOf(variable.values))
      return linesOf(values) === linesOf(variable.values) ? [] : [[variable.name, values]]
    }),
  )
  const isChanged = Object.keys(changes).length > 0
  const save = useChange({
    mutationFn: (variables: Record<string, string[]>) => rules.updatePackage(of.id, { variables }),
    onSuccess: () => {
      again()
      notify('The variables are saved')
    },
  })
  const form = (
    <form
      className="variables"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate(changes)
      }}
    >
      {of.variables.map((variable) => (
        <Variable key={variable.name} variable={variable} draft={drafts[variable.name] ?? linesOf(variable.values)} mayManage={mayManage} onDraft={(text) => setDrafts({ ...drafts, [variable.name]: text })} onDefault={() => setResetting(variable)} />
      ))}
      <ChangeError error={save.error} />
      {mayManage && isChanged && (
        <div className="button-row">
          <button type="button" className="button" onClick={() => setDrafts({})}>
            Undo
          </button>
          <button type="submit" className="button primary" disabled={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save the variables'}
          </button>
        </div>
      )}
    </form>
  )
  const others = Object.keys(changes).filter((name) => name !== resetting?.name)
  // Beside the form, as a button in it would send it.
  return (
    <>
      {form}
      {resetting && (
        <Confirm
          title={`Take the default of ${resetting.name} back?`}
          action="Take it back"
          keep="Keep mine"
          change={() => rules.updatePackage(of.id, { variables: { [resetting.name]: [] } })}
          onDone={() => {
            again()
            notify(`${resetting.name} is as it came`)
            setResetting(undefined)
          }}
          onClose={() => setResetting(undefined)}
        >
          <p>
            {resetting.values.length === 1 ? 'Its value is' : `Its ${resetting.values.length} values are`} forgotten, and rules of “{of.title}” go by what the package came with:
          </p>
          <pre className="mono small wrap lost-values" tabIndex={0} role="region" aria-label="What is lost">
            {linesOf(resetting.values)}
          </pre>
          {others.length > 0 && <p className="warn small">What you wrote into {others.join(', ')} and did not save is lost with it.</p>}
        </Confirm>
      )}
    </>
  )
}

interface VariableProps {
  variable: PackageVariable
  draft: string
  mayManage: boolean
  onDraft: (text: string) => void
  onDefault: () => void
}

function Variable({ variable, draft, mayManage, onDraft, onDefault }: VariableProps) {
  const id = useId()
  return (
    <div className="variable">
      <div className="variable-head">
        <label htmlFor={id} className="mono">
          {variable.name}
        </label>
        {variable.is_default ? (
          <span className={`tag${variable.values.length === 0 ? ' tag-warn' : ''}`}>{variable.values.length === 0 ? 'empty' : 'as it came'}</span>
        ) : (
          mayManage && (
            <button type="button" className="link-button" onClick={onDefault}>
              Take the default back
            </button>
          )
        )}
      </div>
      <textarea id={id} className="field-input mono" rows={Math.min(6, Math.max(1, draft.split('\n').length))} spellCheck={false} readOnly={!mayManage} placeholder="nothing yet" value={draft} aria-describedby={`${id}-what`} onChange={(event) => onDraft(event.target.value)} />
      <p className="muted small" id={`${id}-what`}>
        {variable.description} {TYPES[variable.type] ?? 'One a line.'}
      </p>
    </div>
  )
}
