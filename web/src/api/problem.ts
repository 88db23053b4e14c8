/** An answer that was not wanted: what, where, what to do, with a stable code. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  /** Character position of the mistake in the query, where it has one. */
  readonly position: number | undefined
  readonly length: number
  readonly expected: string[]
  /** Seconds after which the server would have it tried again. */
  readonly retryAfter: number | undefined

  /** `query`: the text as sent; `begins`: where in it the text begins that the person wrote. */
  constructor(status: number, body: unknown, query = '', begins = 0, retryAfter: string | null = null) {
    const members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
    const title = textOr(members.title, status === 0 ? 'The server does not answer' : `The server answered ${status}`)
    super(textOr(members.detail, title))
    this.status = status
    this.title = title
    this.code = textOr(members.code, status === 0 ? 'unreachable' : `http_${status}`)
    const start = typeof members.position === 'number' ? characterAt(query, members.position) : undefined
    const end = typeof members.position === 'number' && typeof members.length === 'number' ? characterAt(query, members.position + members.length) : undefined
    this.position = start === undefined ? undefined : Math.max(0, start - begins)
    this.length = start !== undefined && end !== undefined ? Math.max(1, end - start) : 1
    this.expected = Array.isArray(members.expected) ? members.expected.filter((item) => typeof item === 'string') : []
    const seconds = Number(retryAfter ?? Number.NaN)
    this.retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
  }
}

/** Whether it is a problem with this code. */
export function isProblem(error: unknown, code: string): error is Problem {
  return error instanceof Problem && error.code === code
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback
}

/** The server counts bytes of UTF-8; the input counts UTF-16 units. */
export function characterAt(text: string, byte: number): number {
  let bytes = 0
  let index = 0
  for (const character of text) {
    if (bytes >= byte) break
    bytes += new TextEncoder().encode(character).length
    index += character.length
  }
  return index
}

/** Whether what was asked is at fault, and stays so when it is asked again. */
export const isRefusal = (error: unknown): boolean => error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429 && error.status !== 408
