/** The lines by which two texts differ, with some of those around them. */
import { structuredPatch } from 'diff'

export type DifferentLine = { kind: 'same' | 'added' | 'removed' | 'gap'; text: string }

const AROUND = 3
/** Milliseconds that may go into one file while somebody writes. */
const TIMEOUT = 200

/** Nothing where so much differs that it would take too long to tell what. */
export function lineDifference(before: string, after: string): DifferentLine[] | undefined {
  const patch = structuredPatch('', '', before, after, '', '', { context: AROUND, timeout: TIMEOUT })
  if (patch === undefined) return undefined
  const { hunks } = patch
  return hunks.flatMap((hunk, at) => [
    ...(at > 0 ? [{ kind: 'gap' as const, text: `line ${hunk.newStart}` }] : []),
    // What says that a text ends without a line break is none of its lines.
    ...hunk.lines.filter((line) => !line.startsWith('\\')).map((line) => ({ kind: line.startsWith('+') ? ('added' as const) : line.startsWith('-') ? ('removed' as const) : ('same' as const), text: line.slice(1) })),
  ])
}
