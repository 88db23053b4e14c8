/**
 * A rule's text with line numbers, colours and marks beside what is wrong. A plain text field lies over the coloured
 * text, so that selecting, undoing and screen readers work as everywhere.
 */
import { useEffect, useImperativeHandle, useMemo, useRef, type KeyboardEvent, type Ref } from 'react'
import type { LineProblem } from './problemLines'
import { yamlLines } from './yamlParts'

export interface EditorHandle {
  /** Puts the caret at the beginning of a line, counted from 1, and shows it. */
  goTo: (line: number) => void
}

interface YamlEditorProps {
  label: string
  value: string
  /** Nothing where the text may only be read. */
  onChange?: (value: string) => void
  problems?: readonly LineProblem[]
  describedBy?: string
  /** The line that stands at the top at first. */
  begin?: number
  ref?: Ref<EditorHandle>
}

const INDENT = '  '
/** Pixels, as the style sheet has it. */
const ROW = 20
const SAID_MAX = 110

export function YamlEditor({ label, value, onChange, problems = [], describedBy, begin = 1, ref }: YamlEditorProps) {
  const area = useRef<HTMLTextAreaElement>(null)
  const frame = useRef<HTMLDivElement>(null)
  const lines = useMemo(() => value.split('\n'), [value])
  const parts = useMemo(() => yamlLines(lines), [lines])
  // Whether Tab leaves the field: after Esc, as it would otherwise be a trap for the keyboard.
  const isLeaving = useRef(false)
  const byLine = useMemo(() => {
    const found = new Map<number, LineProblem>()
    for (const problem of problems) if (problem.isError || !found.has(problem.line)) found.set(problem.line, problem)
    return found
  }, [problems])
  useImperativeHandle(ref, () => ({
    goTo: (line) => {
      const element = area.current
      if (!element) return
      const at = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0)
      element.focus({ preventScroll: true })
      element.setSelectionRange(at, at + (lines[line - 1]?.length ?? 0))
      const row = frame.current?.querySelectorAll('.yaml-line')[line - 1]
      row?.scrollIntoView({ block: 'center', inline: 'start' })
    },
  }))
  useEffect(() => {
    if (begin > 1 && frame.current) frame.current.scrollTop = (begin - 1) * ROW
  }, [begin])
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key === 'Escape') {
      isLeaving.current = true
      return
    }
    if (event.key === 'Shift') return
    const leaves = isLeaving.current
    isLeaving.current = false
    if (!onChange || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Tab' && !leaves) {
      event.preventDefault()
      indent(event.currentTarget, event.shiftKey)
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      newLine(event.currentTarget)
    }
  }
  return (
    <div className="yaml" ref={frame} data-readonly={onChange === undefined}>
      <div className="yaml-sheet">
        <ol className="yaml-numbers" aria-hidden>
          {lines.map((_, at) => {
            const problem = byLine.get(at + 1)
            return (
              <li key={at} className={problem ? (problem.isError ? 'is-error' : 'is-warning') : undefined} title={problem?.message}>
                {at + 1}
              </li>
            )
          })}
        </ol>
        <div className="yaml-text">
          <pre aria-hidden>
            {parts.map((line, at) => {
              const problem = byLine.get(at + 1)
              return (
                <span key={at} className={`yaml-line${problem ? (problem.isError ? ' is-error' : ' is-warning') : ''}`}>
                  {line.map((part, number) => (part.kind === 'plain' ? part.text : <span key={number} className={`yaml-is-${part.kind}`}>{part.text}</span>))}
                  {problem && <span className="yaml-said">{problem.message.length > SAID_MAX ? `${problem.message.slice(0, SAID_MAX)}…` : problem.message}</span>}
                  {'\n'}
                </span>
              )
            })}
          </pre>
          <textarea
            ref={area}
            aria-label={label}
            aria-describedby={describedBy}
            aria-invalid={problems.some((problem) => problem.isError)}
            value={value}
            readOnly={onChange === undefined}
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            autoCorrect="off"
            wrap="off"
            onChange={(event) => onChange?.(event.target.value)}
            onKeyDown={onKeyDown}
            onBlur={() => (isLeaving.current = false)}
          />
        </div>
      </div>
    </div>
  )
}

/** Types as the person would, so that undo takes it back. */
function type(area: HTMLTextAreaElement, from: number, to: number, text: string): void {
  area.setSelectionRange(from, to)
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way that undo knows of
  document.execCommand(text === '' ? 'delete' : 'insertText', false, text)
}

function indent(area: HTMLTextAreaElement, isOut: boolean): void {
  const { selectionStart: start, selectionEnd: end, value } = area
  const from = value.lastIndexOf('\n', start - 1) + 1
  if (!isOut && start === end) {
    type(area, start, end, INDENT)
    return
  }
  const before = value.slice(from, end)
  const after = before.split('\n').map((line) => (isOut ? line.replace(/^ {1,2}/, '') : line === '' ? line : INDENT + line)).join('\n')
  if (after === before) return
  type(area, from, end, after)
  area.setSelectionRange(start === end ? Math.max(from, start + after.length - before.length) : from, from + after.length)
}

/** The next line begins where this one does, and deeper after a name with nothing behind it. */
function newLine(area: HTMLTextAreaElement): void {
  const { selectionStart: start, selectionEnd: end, value } = area
  const line = value.slice(value.lastIndexOf('\n', start - 1) + 1, start)
  const depth = /^\s*/.exec(line)?.[0] ?? ''
  type(area, start, end, `\n${depth}${/:\s*$/.test(line) ? INDENT : ''}`)
}
