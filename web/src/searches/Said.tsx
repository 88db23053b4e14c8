import type { Problems } from './problems'

/** What the server found wrong with a field, beside it. */
export function Said({ problems, of }: { problems: Problems; of: string }) {
  const text = problems.get(of)
  return text === undefined ? null : (
    <p className="field-error" role="alert">
      {text.charAt(0).toUpperCase() + text.slice(1)}
    </p>
  )
}
