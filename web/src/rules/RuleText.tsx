/** A rule's YAML: to be read, or of the account's own to be changed. */
import { Copy } from 'lucide-react'
import { useId } from 'react'
import { isProblem } from '../api/problem'
import { rules } from '../api/rules'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { ChangeError } from '../ui/Confirm'
import { copyText, notify } from '../ui/notice'
import { ProblemList } from './ProblemList'
import { useRule, useRuleChanged } from './queries'
import { lineOfRule } from './ruleInText'
import type { Checked } from './useCheck'
import type { Draft } from './useDraft'
import { isFilter } from './words'
import { YamlEditor, type EditorHandle } from './YamlEditor'

interface RuleTextProps {
  draft: Draft
  checked: Checked
  editor: React.RefObject<EditorHandle | null>
}

export function RuleText({ draft, checked, editor }: RuleTextProps) {
  const { text, setText, base, isChanged } = draft
  const { rule } = base
  const { rights } = useSigned()
  const id = useId()
  const changed = useRuleChanged()
  const latest = useRule(rule.id)
  const isOwn = rule.package == null
  const word = isFilter(rule) ? 'filter' : 'rule'
  const mayChange = isOwn && rights.may('rules.manage')
  const save = useChange({
    mutationFn: (sent: string) => rules.update(rule.id, { text: sent, ...(base.revision == null ? {} : { revision: base.revision }) }),
    onSuccess: (now, sent) => {
      changed(now)
      draft.saved(now, sent)
      notify(`The ${word} is saved`)
    },
  })
  const isStale = isProblem(save.error, 'conflict') && save.error.message.includes('changed')
  const takeTheirs = async (): Promise<void> => {
    const theirs = await latest.refetch()
    // What did not come is not what is known from before, which would take the place of the text.
    if (theirs.isError || !theirs.data) {
      notify(`Theirs did not come: ${theirs.error?.message ?? 'there is no such rule any more'}`)
      return
    }
    setText(theirs.data.text)
    save.reset()
  }
  return (
    <section className="panel rule-text" aria-labelledby={`${id}-head`}>
      <div className="panel-head">
        <h2 id={`${id}-head`}>YAML</h2>
        <div className="button-row">
          <span className="muted small">{mayChange ? 'Tab indents; Esc, then Tab, leaves the text.' : isOwn ? 'Changing it needs rules.manage.' : `A package’s ${word} is ${isFilter(rule) ? 'switched' : 'tuned'} or copied, not changed.`}</span>
          <button type="button" className="icon-button small" aria-label="Copy the YAML" title="Copy" onClick={() => void copyText(text, 'YAML')}>
            <Copy size={13} aria-hidden />
          </button>
        </div>
      </div>
      <YamlEditor ref={editor} label="YAML of the rule" value={text} onChange={mayChange ? setText : undefined} begin={lineOfRule(base.text, rule.id)} problems={checked.lines} describedBy={`${id}-problems`} />
      {(mayChange || checked.lines.length > 0) && <ProblemList id={`${id}-problems`} checked={checked} editor={editor} />}
      {isStale ? (
        <div className="banner error" role="alert">
          <p>Somebody else saved this {word} while you wrote. Your text is still here and nothing is overwritten: copy it, take theirs, and put in what you need.</p>
          <div className="button-row">
            <button type="button" className="button small" onClick={() => void copyText(text, 'Your text')}>
              Copy my text
            </button>
            <button type="button" className="button small" onClick={() => void takeTheirs()}>
              Take theirs
            </button>
          </div>
        </div>
      ) : (
        <ChangeError error={save.error} />
      )}
      {mayChange && isChanged && (
        <div className="button-row rule-save">
          <span className="muted small">Not saved yet.{!rule.is_enabled ? '' : isFilter(rule) ? ' The filter applies: it must leave every rule able to run.' : ' The rule runs: its tests must pass.'}</span>
          <span className="spring" />
          <button type="button" className="button" onClick={() => { setText(base.text); save.reset() }}>
            Undo
          </button>
          <button type="button" className="button primary" disabled={save.isPending || !checked.isCurrent || checked.hasErrors} onClick={() => save.mutate(text)}>
            {save.isPending ? 'Saving…' : 'Save'}
          </button>
        </div>
      )}
    </section>
  )
}
