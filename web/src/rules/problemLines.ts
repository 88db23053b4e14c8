/** Where in a rule's text a problem is. The server names the line of what cannot be read, else that on which the document begins; the rest is found by what it quotes. */
import type { PlacedProblem } from '../api/rules'

/** From line, to line (not with it), both counted from 0. */
type Span = [from: number, to: number]

/** The lines of each document of a text. */
export function documentSpans(lines: readonly string[]): Span[] {
  const spans: Span[] = []
  let from = 0
  lines.forEach((line, at) => {
    if (!/^---(\s|$)/.test(line)) return
    // A mark before the first document begins it.
    if (lines.slice(from, at).some((before) => before.trim() !== '' && !before.startsWith('#'))) spans.push([from, at])
    from = at + 1
  })
  return [...spans, [from, lines.length]]
}

/** Members under which the server looks, by the code it answers with. */
const MEMBERS: Record<string, string> = { level: 'level', correlation: 'correlation', condition: 'condition', tests: 'tests', policy: 'policy', hours: 'hours', dormant: 'dormant', extension: 'whodid', sigma: 'detection', unsupported: 'detection', unknown_rule: 'rules', duplicate: 'id' }

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

function lineOf(lines: readonly string[], [from, to]: Span, test: (line: string) => boolean): number | undefined {
  for (let at = from; at < to; at += 1) if (test(lines[at] ?? '')) return at
  return undefined
}

const memberLine = (lines: readonly string[], span: Span, name: string): number | undefined => {
  const pattern = new RegExp(`(^|[\\s{,|-])["']?${escaped(name)}["']?\\s*:(\\s|$)`)
  return lineOf(lines, span, (line) => pattern.test(line))
}

/** The line that something is written in: as a member, with a modifier, or anywhere. */
function wordLine(lines: readonly string[], span: Span, word: string): number | undefined {
  const [parent, ...rest] = word.split('.')
  const leaf = rest.at(-1)
  const exact = memberLine(lines, span, word)
  if (exact !== undefined) return exact
  if (parent !== undefined && leaf !== undefined) {
    // `policy.foo`: the member under the one before it.
    const under = memberLine(lines, span, parent)
    const found = under === undefined ? undefined : memberLine(lines, [under, span[1]], leaf)
    if (found !== undefined) return found
  }
  const whole = new RegExp(`(^|[^\\w-])${escaped(word)}($|[^\\w-])`)
  return lineOf(lines, span, (line) => whole.test(line))
}

/** The beginning of the nth test of a document. */
function testLine(lines: readonly string[], span: Span, number: number): number | undefined {
  const tests = memberLine(lines, span, 'tests')
  if (tests === undefined) return undefined
  const first = lineOf(lines, [tests + 1, span[1]], (line) => /^\s*-\s/.test(line))
  if (first === undefined) return tests
  const indent = /^\s*/.exec(lines[first] ?? '')?.[0].length ?? 0
  let seen = 0
  return lineOf(lines, [first, span[1]], (line) => new RegExp(`^\\s{${indent}}-\\s`).test(line) && (seen += 1) === number) ?? tests
}

/** The document of a problem: from the line that the server names, or the one with its number. */
function spanOf(lines: readonly string[], { line, document }: PlacedProblem): Span {
  const spans = documentSpans(lines)
  if (line != null) {
    const begun = spans.find(([from, to]) => from < line && line <= to)
    if (begun) return [line - 1, begun[1]]
  }
  return spans[document - 1] ?? spans[0] ?? [0, lines.length]
}

/** The line of a problem, counted from 1; the beginning of its document where nothing tells better. */
export function problemLine(text: string, problem: PlacedProblem): number {
  const lines = text.split('\n')
  const stated = problem.code === 'yaml' && problem.line != null ? problem.line : /\bline (\d+)\b/.exec(problem.message)?.[1]
  if (stated !== undefined) return Math.min(Math.max(1, Number(stated)), lines.length)
  const span = spanOf(lines, problem)
  const test = /^test (\d+):/.exec(problem.message)?.[1]
  const candidates = [
    () => (test === undefined ? undefined : testLine(lines, span, Number(test))),
    ...Array.from(problem.message.matchAll(/['"`]([^'"`\n]{1,80})['"`]/g), ([, word]) => () => wordLine(lines, span, word ?? '')),
    () => memberLine(lines, span, MEMBERS[problem.code] ?? problem.code),
    () => lineOf(lines, span, (line) => line.trim() !== '' && !line.startsWith('#')),
  ]
  for (const candidate of candidates) {
    const found = candidate()
    if (found !== undefined) return found + 1
  }
  return span[0] + 1
}

export interface LineProblem {
  line: number
  isError: boolean
  message: string
}

/** Problems with their lines, from the top. */
export function lineProblems(text: string, problems: readonly PlacedProblem[]): LineProblem[] {
  return problems.map((problem) => ({ line: problemLine(text, problem), isError: problem.gravity === 'error', message: problem.message })).sort((a, b) => a.line - b.line)
}

/** Where a problem of a text that is not shown is, as far as it is known. */
export const placeText = ({ line, document }: Pick<PlacedProblem, 'line' | 'document'>): string | undefined => (line != null ? `line ${line}` : document > 1 ? `document ${document}` : undefined)
