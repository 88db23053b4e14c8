/** Events that somebody pasted: one a line, JSON or a line of a log; or one JSON document over several lines. */
export const EVENTS_MAX = 1000

export interface Pasted {
  /** Which line of the text it begins on, counted from 1. */
  line: number
  /** What is sent: a JSON document, or the line itself. */
  sent: unknown
  /** In short, to tell it from the others. */
  label: string
}

const LABEL_MAX = 120

function labelOf(value: unknown, line: string): string {
  if (typeof value !== 'object' || value === null) return line.slice(0, LABEL_MAX)
  const members = value as Record<string, unknown>
  const who = typeof members.initiator === 'object' && members.initiator !== null ? (members.initiator as Record<string, unknown>).name : undefined
  const words = [members.eventTime ?? members.time, who, members.action ?? members.eventName ?? members.operationName, members.outcome].filter((word) => typeof word === 'string')
  return words.length > 0 ? words.join(' ').slice(0, LABEL_MAX) : line.slice(0, LABEL_MAX)
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

export function pasted(text: string): Pasted[] {
  const whole = json(text)
  const first = text.slice(0, text.search(/\S/)).split('\n').length
  if (Array.isArray(whole)) return whole.map((value: unknown) => ({ line: first, sent: value, label: labelOf(value, JSON.stringify(value)) }))
  if (typeof whole === 'object' && whole !== null) return [{ line: first, sent: whole, label: labelOf(whole, JSON.stringify(whole)) }]
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return []
    const value = json(line)
    const sent = typeof value === 'object' && value !== null ? value : line
    return [{ line: at + 1, sent, label: labelOf(sent, line.trim()) }]
  })
}
