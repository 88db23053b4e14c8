import { getRouteApi } from '@tanstack/react-router'

const route = getRouteApi('/shell/rules/rule/$id')

/** Which part of a rule is shown, as the address says; the first of them where it names none that there is. */
export function usePart<Part extends string>(parts: readonly [Part, ...Part[]]): [part: Part, setPart: (next: string) => void] {
  const { part } = route.useSearch()
  const navigate = route.useNavigate()
  const [first] = parts
  return [parts.find((one) => one === part) ?? first, (next) => void navigate({ search: (now) => ({ ...now, part: next === first ? undefined : next }), replace: true })]
}
