/** What the server found wrong, by the member that it names. Pure. */
import { Problem } from '../api/problem'

/** By member, `trigger.trigger_limit`; what names none stands under the empty one. */
export type Problems = ReadonlyMap<string, string>

const NONE: Problems = new Map()

export function problemsOf(error: Error | null): Problems {
  if (!error) return NONE
  if (!(error instanceof Problem)) return new Map([['', error.message]])
  if (error.code === 'name_taken') return new Map([['name', error.message]])
  const found = new Map<string, string>()
  // `a.b` is wrong; `c`: is wrong too.
  for (const part of error.message.split(/; (?=`[\w.]+`)/)) {
    const named = /^`([\w.]+)`:? (.*)$/s.exec(part)
    const [member, text] = named?.[1] !== undefined && named[2] !== undefined ? [named[1], named[2]] : [error.code === 'bad_query' ? 'q' : '', part]
    found.set(member, found.has(member) ? `${found.get(member) ?? ''}; ${text}` : text)
  }
  return found
}

/** Those below a member, without its name. */
export function below(problems: Problems, member: string): Problems {
  return new Map([...problems].flatMap(([name, text]) => (name === member ? [['', text] as const] : name.startsWith(`${member}.`) ? [[name.slice(member.length + 1), text] as const] : [])))
}

/** What stands beside no field: all but those that are shown there. */
export function elsewhere(problems: Problems, shown: (member: string) => boolean): string | undefined {
  const rest = [...problems].filter(([member]) => member === '' || !shown(member)).map(([member, text]) => (member === '' ? text : `${member} ${text}`))
  return rest.length === 0 ? undefined : rest.join('; ')
}
