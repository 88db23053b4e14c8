/** An answer that was not wanted: what, where, what to do, with a stable code. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  /** Character position of the mistake in the query, where it has one. */
  readonly position: number | undefined
  readonly length: number
  readonly expected: string[]

  constructor(status: number, body: unknown, query = '') {
    const members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
    const title = textOr(members.title, status === 0 ? 'The server does not answer' : `The server answered ${status}`)
    super(textOr(members.detail, title))
    this.status = status
    this.title = title
    this.code = textOr(members.code, status === 0 ? 'unreachable' : `http_${status}`)
    this.position = typeof members.position === 'number' ? characterAt(query, members.position) : undefined
    const end = typeof members.position === 'number' && typeof members.length === 'number' ? characterAt(query, members.position + members.length) : undefined
    this.length = this.position !== undefined && end !== undefined ? Math.max(1, end - this.position) : 1
    this.expected = Array.isArray(members.expected) ? members.expected.filter((item) => typeof item === 'string') : []
  }
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
