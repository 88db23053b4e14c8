/** The switch between the events of the account itself and those of its spaces, as words of the search. */

export type Logs = 'account' | 'space'

const TERMS: Record<Logs, string> = { account: '-record.space:*', space: 'record.space:*' }

export interface SentQuery {
  /** The whole text that the server reads. */
  text: string
  /** Where in it the person's own text begins. */
  begins: number
}

/**
 * The person's text narrowed to one kind of logs. What is not closed, or closed once too often, is sent alone:
 * it would swallow the brackets round it, and the server's refusal then points at the right place.
 */
export function withLogs(query: string, logs: Logs | undefined): SentQuery {
  if (logs === undefined || !isBalanced(query)) return { text: query, begins: 0 }
  if (query.trim() === '') return { text: TERMS[logs], begins: 0 }
  return { text: `(${query}) AND ${TERMS[logs]}`, begins: 1 }
}

/** Whether every bracket and quote of the text closes within it. */
export function isBalanced(query: string): boolean {
  const open: string[] = []
  let quoted = false
  for (let at = 0; at < query.length; at += 1) {
    const character = query[at]
    if (character === '\\') at += 1
    else if (character === '"') quoted = !quoted
    else if (quoted) continue
    else if (character === '(' || character === '[') open.push(character)
    else if (character === ')' && open.pop() !== '(') return false
    else if (character === ']' && open.pop() !== '[') return false
  }
  return !quoted && open.length === 0
}
