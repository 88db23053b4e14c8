/**
 * The query's text as a person edits it: where its terms stand, and what adding, removing or
 * negating one makes of the text. The server alone decides what a query means; this only cuts
 * and joins, and leaves alone what it does not understand.
 */

export interface Term {
  /** Place in the query text, including a leading `-`. */
  start: number
  end: number
  text: string
  negated: boolean
  /** `field:value` in its plain form. Absent for words, phrases and mixed groups. */
  field?: string
  /** What follows the field: `:`, `:=`, `:==` or `:===`. */
  operator?: string
  /** Values without quotes; several when the term is a group over one field. */
  values?: string[]
}

interface Piece {
  start: number
  end: number
  text: string
}

/** Cuts at blanks outside quotes and brackets. Never fails: what is never closed runs to the end. */
function pieces(query: string): Piece[] {
  const found: Piece[] = []
  let start = -1
  let depth = 0
  let quoted = false
  for (let index = 0; index <= query.length; index += 1) {
    const character = query[index]
    const blank = character === undefined || (/\s/.test(character) && depth === 0 && !quoted)
    if (blank) {
      if (start >= 0) found.push({ start, end: index, text: query.slice(start, index) })
      start = -1
      continue
    }
    if (start < 0) start = index
    if (quoted) {
      if (character === '\\') index += 1
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '(' || character === '[') depth += 1
    else if (character === ')' || character === ']') depth = Math.max(0, depth - 1)
  }
  if (start >= 0) found.push({ start, end: query.length, text: query.slice(start) })
  return found
}

const FIELD_TERM = /^("(?:[^"\\]|\\.)+"|[^\s:()"]+)(:={0,3})(.*)$/s

function unquote(text: string): string {
  return text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1).replace(/\\(["\\])/g, '$1') : text
}

function describe(piece: Piece): Term {
  const negated = piece.text.startsWith('-') && piece.text.length > 1
  const body = negated ? piece.text.slice(1) : piece.text
  const term: Term = { ...piece, negated }
  const group = body.startsWith('(') && body.endsWith(')') ? alternatives(body.slice(1, -1)) : undefined
  const first = group?.[0]
  if (group && first?.field !== undefined && group.every((part) => part.field === first.field && part.operator === first.operator && part.values?.length === 1)) {
    return { ...term, field: first.field, operator: first.operator ?? ':', values: group.flatMap((part) => part.values ?? []) }
  }
  const match = FIELD_TERM.exec(body)
  if (!match) return term
  const [, name = '', operator = ':', value = ''] = match
  const field = unquote(name)
  const items = value.startsWith('[') && value.endsWith(']') ? listItems(value.slice(1, -1)) : undefined
  if (items) return { ...term, field, operator, values: items }
  if (/^[([<>]/.test(value)) return { ...term, field, operator }
  return { ...term, field, operator, values: [unquote(value)] }
}

/** The items of `[a,"b,c"]`, without quotes. */
function listItems(text: string): string[] {
  return (text.match(/\s*(?:"(?:[^"\\]|\\.)*"|[^,"]+)\s*/g) ?? []).map((item) => unquote(item.trim())).filter((item) => item !== '')
}

/** `a OR b OR c` as its parts; undefined for anything else. */
function alternatives(text: string): Term[] | undefined {
  const parts = pieces(text)
  if (parts.length % 2 === 0) return undefined
  if (!parts.every((part, index) => (index % 2 === 1) === (part.text === 'OR'))) return undefined
  return parts.filter((_, index) => index % 2 === 0).map(describe)
}

/** The terms that must all hold. A query with OR at the top is one term. */
export function topTerms(query: string): Term[] {
  const all = pieces(query)
  const first = all[0]
  const last = all.at(-1)
  if (!first || !last) return []
  if (all.some((piece) => piece.text === 'OR')) return [{ start: first.start, end: last.end, text: query.slice(first.start, last.end), negated: false }]
  const terms: Term[] = []
  for (const [index, piece] of all.entries()) {
    if (piece.text === 'AND' || piece.text === 'NOT') continue
    const term = describe(piece)
    const before = all[index - 1]
    terms.push(before?.text === 'NOT' ? { ...term, start: before.start, negated: !term.negated } : term)
  }
  return terms
}

function hasTopOr(query: string): boolean {
  return pieces(query).some((piece) => piece.text === 'OR')
}

/** A value as the language reads it literally: quoted unless it is plain. */
export function quote(value: string): string {
  return /^[\p{L}\p{N}_.@/#+$%&-]+$/u.test(value) && !value.startsWith('-') && !/^(AND|OR|NOT)$/.test(value) ? value : `"${value.replace(/(["\\])/g, '\\$1')}"`
}

/** A field's name as a query writes it: in quotes where it holds signs of the language. */
export function quoteField(field: string): string {
  return /^[\p{L}\p{N}_.[\]$/@-]+$/u.test(field) && !field.startsWith('-') ? field : `"${field.replace(/(["\\])/g, '\\$1')}"`
}

/** Exact match of one value, as the filter buttons write it. */
export function exactly(field: string, value: string): string {
  return `${quoteField(field)}:==${quote(value)}`
}

/** The query that also asks for `term`. */
export function join(query: string, term: string): string {
  const trimmed = query.trim()
  if (trimmed === '') return term
  return `${hasTopOr(trimmed) ? `(${trimmed})` : trimmed} ${term}`
}

function replace(query: string, term: Term, text: string): string {
  return `${query.slice(0, term.start)}${text}${query.slice(term.end)}`.replace(/\s+/g, (gap) => (gap.length > 1 ? ' ' : gap)).trim()
}

export function withoutTerm(query: string, term: Term): string {
  const rest = replace(query, term, '')
  return rest.replace(/^(AND|OR)\s+/, '').replace(/\s+(AND|OR|NOT)$/, '').replace(/\bAND\s+AND\b/g, 'AND')
}

export function negateTerm(query: string, term: Term): string {
  const body = term.text.startsWith('-') ? term.text.slice(1) : term.text
  if (term.negated) return replace(query, term, body)
  return replace(query, term, hasTopOr(body) ? `-(${body})` : `-${body}`)
}

export interface Selection {
  included: string[]
  excluded: string[]
  terms: Term[]
}

/** Which exact values of `field` the query asks for or shuts out. */
export function selection(query: string, field: string): Selection {
  const terms = topTerms(query).filter((term) => term.field === field && (term.operator === ':==' || term.operator === ':===') && term.values)
  return {
    included: terms.filter((term) => !term.negated).flatMap((term) => term.values ?? []),
    excluded: terms.filter((term) => term.negated).flatMap((term) => term.values ?? []),
    terms,
  }
}

/** The query without the terms that pick values of `field`: what the facet of `field` counts over. */
export function withoutField(query: string, field: string): string {
  let rest = query
  for (const term of selection(query, field).terms.toReversed()) rest = withoutTerm(rest, term)
  return rest
}

function withSelection(query: string, field: string, included: string[], excluded: string[]): string {
  let next = withoutField(query, field)
  const [only] = included
  if (included.length === 1 && only !== undefined) next = join(next, exactly(field, only))
  else if (included.length > 1) next = join(next, `${quoteField(field)}:==[${included.map(quote).join(',')}]`)
  for (const value of excluded) next = join(next, `-${exactly(field, value)}`)
  return next
}

export type FilterMode = 'in' | 'out' | 'only' | 'clear'

/**
 * The query after a person picks a value. `in` adds it to the field's picked values, `out` shuts it
 * out, `only` drops every other filter, `clear` forgets it.
 */
export function withValue(query: string, field: string, value: string, mode: FilterMode): string {
  if (mode === 'only') return exactly(field, value)
  const now = selection(query, field)
  const included = now.included.filter((item) => item !== value)
  const excluded = now.excluded.filter((item) => item !== value)
  if (mode === 'in') included.push(value)
  if (mode === 'out') excluded.push(value)
  return withSelection(query, field, included, excluded)
}

/** Asks for the absence (`in`) of a field, or its presence. */
export function withMissing(query: string, field: string): string {
  return join(query, `-${quoteField(field)}:*`)
}

// ---- what the query bar shows and completes

export type TokenKind = 'field' | 'operator' | 'value' | 'keyword' | 'negation' | 'bracket' | 'word' | 'blank'

export interface Token {
  kind: TokenKind
  start: number
  text: string
}

const TOKEN = /(\s+)|(AND|OR|NOT)(?=[\s()]|$)|(-)(?=\S)|([^\s:()[\]",-][^\s:()[\]",]*)(?=:)|(:={0,3}|[<>]=?)|("(?:[^"\\]|\\.)*"?)|([()[\],])|([^\s()[\]",]+)/y

/** The query in coloured pieces; together they are the text. */
export function tokens(query: string): Token[] {
  const found: Token[] = []
  let at = 0
  let valueNext = false
  while (at < query.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(query)
    if (!match) {
      found.push({ kind: 'word', start: at, text: query.slice(at) })
      break
    }
    const [text, blank, keyword, minus, field, operator, quoted, bracket] = match
    let kind: TokenKind = valueNext ? 'value' : 'word'
    if (blank) kind = 'blank'
    else if (keyword) kind = 'keyword'
    else if (minus && !valueNext) kind = 'negation'
    else if (field && !valueNext) kind = 'field'
    else if (operator) kind = 'operator'
    else if (quoted) kind = 'value'
    else if (bracket) kind = 'bracket'
    found.push({ kind, start: at, text })
    valueNext = kind === 'operator'
    at += text.length
  }
  return found
}

export interface Completion {
  kind: 'field' | 'value'
  /** The stretch of text that a chosen suggestion replaces. */
  start: number
  end: number
  /** What was typed so far, without quotes. */
  typed: string
  field?: string
}

/** What may be suggested at the caret; undefined inside free text that no suggestion fits. */
export function completionAt(query: string, caret: number): Completion | undefined {
  const before = query.slice(0, caret)
  const value = /([^\s:()"[\],]+)(:={0,3})(?:\[[^\]]*?,?)?("(?:[^"\\]|\\.)*|[^\s()"[\],]*)$/.exec(before)
  const after = /^[^\s()"[\],]*/.exec(query.slice(caret))?.[0].length ?? 0
  if (value) {
    const [, field = '', , typed = ''] = value
    if (/^[<>]/.test(typed)) return undefined
    return { kind: 'value', field: field.replace(/^-/, ''), start: caret - typed.length, end: caret + (typed.startsWith('"') ? 0 : after), typed: typed.replace(/^"/, '') }
  }
  const word = /(?:^|[\s(])-?([^\s:()"[\],-][^\s:()"[\],]*)?$/.exec(before)
  if (!word) return undefined
  const typed = word[1] ?? ''
  return { kind: 'field', start: caret - typed.length, end: caret + (/^[^\s:()"[\],]*/.exec(query.slice(caret))?.[0].length ?? 0), typed }
}
