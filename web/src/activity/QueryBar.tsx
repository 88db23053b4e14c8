/** The search text: coloured as it is read, completed as it is typed, wrong places marked where they are. */
import { useQuery } from '@tanstack/react-query'
import { CircleAlert, CornerDownLeft, Search, X } from 'lucide-react'
import { useEffect, useId, useImperativeHandle, useLayoutEffect, useRef, useState, type KeyboardEvent, type Ref } from 'react'
import { api } from '../api/client'
import { Problem } from '../api/problem'
import type { Filter } from '../api/shapes'
import { completionAt, quote, tokens, type Completion } from '../query/terms'
import { useSettled } from '../ui/hooks'
import { compact } from '../ui/number'
import { Words } from '../ui/Words'
import { fieldLabel, fieldRank } from './columns'
import { shorten } from './event'

interface Suggestion {
  insert: string
  label: string
  note: string
  /** Fields go on to their value; values end the term. */
  goesOn: boolean
}

export interface QueryBarHandle {
  focus: () => void
}

interface QueryBarProps {
  ref: Ref<QueryBarHandle>
  /** The query in force. */
  value: string
  /** Its range, over which values are suggested. */
  range: Filter
  placeholder?: string
  onSubmit: (query: string) => void
}

export function QueryBar({ ref, value, range, placeholder = 'Search: action:kms.* outcome:failure bob', onSubmit }: QueryBarProps) {
  const [draft, setDraft] = useState(value)
  const [inForce, setInForce] = useState(value)
  const [submitted, setSubmitted] = useState<string | undefined>()
  const [caret, setCaret] = useState(value.length)
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  const [refused, setRefused] = useState<{ query: string; problem: Problem } | undefined>()
  const [scroll, setScroll] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const turns = useRef(0)
  const placeCaret = useRef<number | undefined>(undefined)
  const id = useId()
  useImperativeHandle(ref, () => ({
    focus: () => {
      input.current?.focus()
      input.current?.select()
    },
  }))

  // A chip, a facet or the Back button changed the query: the bar follows.
  if (value !== inForce) {
    setInForce(value)
    setSubmitted(undefined)
    if (value !== submitted) {
      setDraft(value)
      setRefused(undefined)
    }
  }
  useLayoutEffect(() => {
    if (placeCaret.current === undefined) return
    input.current?.setSelectionRange(placeCaret.current, placeCaret.current)
    placeCaret.current = undefined
  })

  const settled = useSettled(draft, 350)
  const check = useQuery({
    queryKey: ['check', settled],
    queryFn: ({ signal }) => api.check(settled, signal),
    enabled: settled.trim() !== '',
    retry: false,
    staleTime: Infinity,
  })
  const checked = settled === draft && check.error instanceof Problem && check.error.status === 400 ? check.error : undefined
  const problem = refused?.query === draft ? refused.problem : checked

  const completion = open ? completionAt(draft, caret) : undefined
  const suggestions = useSuggestions(completion, range)
  const shown = open && completion !== undefined && suggestions.length > 0
  const index = Math.min(active, suggestions.length - 1)

  const edit = (text: string, at: number): void => {
    setDraft(text)
    setCaret(at)
    setActive(-1)
  }
  const choose = (suggestion: Suggestion): void => {
    if (!completion) return
    const tail = draft.slice(completion.end).replace(suggestion.goesOn ? /^:/ : /^\s/, '')
    const inserted = `${suggestion.insert}${suggestion.goesOn ? '' : ' '}`
    const at = completion.start + inserted.length
    placeCaret.current = at
    edit(`${draft.slice(0, completion.start)}${inserted}${tail}`, at)
    setOpen(suggestion.goesOn)
    input.current?.focus()
  }
  const submit = async (): Promise<void> => {
    const query = draft.trim()
    const turn = (turns.current += 1)
    setOpen(false)
    if (query !== '') {
      try {
        await api.check(query, new AbortController().signal)
      } catch (error) {
        if (turn === turns.current && error instanceof Problem && error.status === 400) {
          setRefused({ query: draft, problem: error })
          return
        }
      }
    }
    // Only the last one counts, and what was typed meanwhile stays.
    if (turn !== turns.current) return
    setRefused(undefined)
    setDraft((now) => (now === draft ? query : now))
    setSubmitted(query)
    onSubmit(query)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    switch (event.key) {
      case 'ArrowDown':
        if (shown) setActive((index + 1) % suggestions.length)
        else setOpen(true)
        break
      case 'ArrowUp':
        if (!shown) return
        setActive(index <= 0 ? suggestions.length - 1 : index - 1)
        break
      case 'Tab': {
        const chosen = shown ? suggestions[index] : undefined
        if (!chosen) return
        choose(chosen)
        break
      }
      case 'Enter': {
        const chosen = shown ? suggestions[index] : undefined
        if (chosen) choose(chosen)
        else void submit()
        break
      }
      case 'Escape':
        if (shown) setOpen(false)
        else input.current?.blur()
        break
      default:
        return
    }
    event.preventDefault()
  }
  const followCaret = (): void => setCaret(input.current?.selectionStart ?? draft.length)

  return (
    <form
      className="query"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <div className={`query-box${problem ? ' query-wrong' : ''}`}>
        <Search className="query-icon" size={15} aria-hidden />
        <div className="query-field">
          <div className="query-mirror" aria-hidden>
            <div style={{ transform: `translateX(${-scroll}px)` }}>
              <Coloured query={draft} problem={problem} />
            </div>
          </div>
          <input
            ref={input}
            className="query-input"
            role="combobox"
            aria-label="Search events"
            aria-autocomplete="list"
            aria-expanded={shown}
            aria-controls={`${id}-list`}
            aria-activedescendant={shown && index >= 0 ? `${id}-${index}` : undefined}
            aria-invalid={problem !== undefined}
            aria-describedby={problem ? `${id}-problem` : undefined}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            enterKeyHint="search"
            placeholder={placeholder}
            value={draft}
            onChange={(event) => {
              edit(event.target.value, event.target.selectionStart ?? event.target.value.length)
              setOpen(true)
            }}
            onKeyDown={onKeyDown}
            onKeyUp={followCaret}
            onClick={() => {
              followCaret()
              setOpen(true)
            }}
            onBlur={() => setOpen(false)}
            onScroll={(event) => setScroll(event.currentTarget.scrollLeft)}
          />
        </div>
        {draft !== '' && (
          <button
            type="button"
            className="icon-button small"
            aria-label="Clear the query"
            onClick={() => {
              turns.current += 1
              edit('', 0)
              onSubmit('')
              input.current?.focus()
            }}
          >
            <X size={14} aria-hidden />
          </button>
        )}
        {draft.trim() !== value ? (
          <button type="submit" className="query-run" aria-label="Search">
            <CornerDownLeft size={14} aria-hidden />
          </button>
        ) : (
          <kbd className="hide-phone" aria-hidden>
            /
          </kbd>
        )}
      </div>
      <div
        className="query-problem"
        id={`${id}-problem`}
        role="status"
        hidden={!problem || shown}
        style={problem?.position !== undefined ? { marginInlineStart: `min(calc(30px + ${problem.position}ch - ${scroll}px), 60%)` } : undefined}
      >
        {problem && (
          <>
            <CircleAlert size={14} aria-hidden />
            <span>
              {problem.position !== undefined && <span className="visually-hidden">At character {problem.position + 1}: </span>}
              <Words text={problem.message} />
              {problem.expected.length > 0 && (
                <span className="muted">
                  {' '}
                  · expected{' '}
                  {problem.expected.slice(0, 5).map((item, at) => (
                    <span key={item}>
                      {at > 0 && ', '}
                      <code>{item}</code>
                    </span>
                  ))}
                </span>
              )}
            </span>
          </>
        )}
      </div>
      <ul className="suggestions" id={`${id}-list`} role="listbox" aria-label="Suggestions" hidden={!shown}>
        {shown &&
          suggestions.map((suggestion, at) => (
            <SuggestionRow key={suggestion.insert} id={`${id}-${at}`} active={at === index} suggestion={suggestion} onChoose={() => choose(suggestion)} />
          ))}
      </ul>
    </form>
  )
}

function SuggestionRow({ id, active, suggestion, onChoose }: { id: string; active: boolean; suggestion: Suggestion; onChoose: () => void }) {
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (active) row.current?.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    <li
      ref={row}
      id={id}
      role="option"
      aria-selected={active}
      // The press must not take the focus from the input, or the list is gone before the click.
      onPointerDown={(event) => event.preventDefault()}
      onClick={onChoose}
    >
      <span className="mono">{suggestion.label}</span>
      <span className="muted small">{suggestion.note}</span>
    </li>
  )
}

function Coloured({ query, problem }: { query: string; problem: Problem | undefined }) {
  const from = problem?.position ?? Infinity
  const to = from + (problem?.length ?? 0)
  return (
    <>
      {tokens(query).map((token) => {
        const wrong = token.start < to && token.start + token.text.length > from
        return (
          <span key={token.start} className={`token-${token.kind}${wrong ? ' token-wrong' : ''}`}>
            {token.text}
          </span>
        )
      })}
      {problem && from >= query.length && <span className="token-wrong"> </span>}
    </>
  )
}

function useSuggestions(completion: Completion | undefined, range: Filter): Suggestion[] {
  const fields = useQuery({
    queryKey: ['fields'],
    queryFn: ({ signal }) => api.fields('', signal),
    enabled: completion !== undefined,
    staleTime: 60_000,
  })
  const typed = useSettled(completion?.typed ?? '', 120)
  const field = completion?.kind === 'value' ? (completion.field ?? '') : ''
  const values = useQuery({
    queryKey: ['values', field, typed, { ...range, q: undefined }],
    queryFn: ({ signal }) => api.top({ ...range, q: undefined, field, prefix: typed, limit: 12 }, signal),
    enabled: field !== '',
    retry: false,
    placeholderData: (before, query) => (query?.queryKey[1] === field ? before : undefined),
  })
  if (!completion) return []
  const lower = completion.typed.toLowerCase()
  if (completion.kind === 'value') {
    return (values.data?.values ?? [])
      .filter((item) => item.value.toLowerCase().includes(lower))
      .map((item) => ({ insert: quote(item.value), label: shorten(item.value, 70), note: compact(item.count), goesOn: false }))
  }
  return (fields.data ?? [])
    .flatMap((item) => {
      const names = [item.name, ...item.aliases]
      const name = names.find((candidate) => candidate.toLowerCase().startsWith(lower)) ?? names.find((candidate) => candidate.toLowerCase().includes(lower))
      return name === undefined ? [] : [{ item, name, starts: name.toLowerCase().startsWith(lower) }]
    })
    .sort((a, b) => Number(b.starts) - Number(a.starts) || fieldRank(a.item.name) - fieldRank(b.item.name))
    .slice(0, 40)
    .map(({ item, name }) => {
      const label = fieldLabel(item.name)
      return { insert: `${name}:`, label: name, note: name !== item.name ? item.name : label !== item.name ? label : item.origin === 'seen' ? 'seen in events' : item.kind, goesOn: true }
    })
}
