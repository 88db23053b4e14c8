/** What pages of Rules ask the server for, and what is asked anew after a change. */
import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { rules } from '../api/rules'
import type { RuleDetail, RuleList } from '../api/shapes'
import { useSigned } from '../session/me'

const STATUS_MS = 60_000

/** Who may not look at rules asks for none: a refusal is recorded. */
const useMayRead = (): boolean => useSigned().rights.may('rules.read')

export const useRules = () => useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules.list(signal), refetchInterval: STATUS_MS, enabled: useMayRead() })
export const useRule = (id: string | undefined) => useQuery({ queryKey: ['rule', id], queryFn: ({ signal }) => rules.get(id ?? '', signal), enabled: id !== undefined })
export const usePackages = () => useQuery({ queryKey: ['packages'], queryFn: ({ signal }) => rules.packages(signal), enabled: useMayRead() })
/** Asked for by whoever is to change them: what was asked for before may be another version. */
export const usePackageFiles = (id: string) => useQuery({ queryKey: ['package-files', id], queryFn: ({ signal }) => rules.files(id, signal), refetchOnWindowFocus: false, staleTime: 0, gcTime: 0 })
export const useExceptions = () => useQuery({ queryKey: ['exceptions'], queryFn: ({ signal }) => rules.exceptions(signal), enabled: useMayRead() })

/** Takes a rule as the server has it now; what else depends on it is asked for anew. */
export function useRuleChanged(): (detail: RuleDetail) => void {
  const client = useQueryClient()
  return (detail) => {
    client.setQueryData(['rule', detail.rule.id], detail)
    client.setQueryData<RuleList>(['rules'], (list) => list && { ...list, rules: list.rules.map((rule) => (rule.id === detail.rule.id ? detail.rule : rule)) })
    // What stands in the same text changes with it: its words, and a filter goes with its rules.
    void client.invalidateQueries({ queryKey: ['rule'], predicate: ({ queryKey }) => queryKey[1] !== detail.rule.id })
    for (const key of ['rules', 'history']) void askAnew(client, key)
  }
}

/** After rules came or went: everything of Rules is asked for anew. */
export function useRulesAgain(): () => void {
  const client = useQueryClient()
  return () => {
    for (const key of ['rules', 'rule', 'packages', 'package-files', 'exceptions', 'history']) void askAnew(client, key)
  }
}

/** An answer that is still on its way may be from before the change, and would be taken for the new one. */
async function askAnew(client: QueryClient, key: string): Promise<void> {
  await client.cancelQueries({ queryKey: [key] })
  await client.invalidateQueries({ queryKey: [key] })
}
