import type { Problems } from './problems'

/** What a field carries that the server found wrong: that it is, and the id of why. */
export function saidOf(problems: Problems, member: string, id: string) {
  return problems.has(member) ? { 'aria-invalid': true, 'aria-describedby': id } : {}
}

/** What the server found wrong with a field, beside it. `id`: for the field to name it. */
export function Said({ problems, of, id }: { problems: Problems; of: string; id?: string }) {
  const text = problems.get(of)
  return text === undefined ? null : (
    <p className="field-error" role="alert" id={id}>
      {text.charAt(0).toUpperCase() + text.slice(1)}
    </p>
  )
}
