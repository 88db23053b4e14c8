/** What pages of Rules ask the server for, and what is asked anew after a change. */
import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { rules } from '../api/rules'
import type { RuleDetail, RuleList } from '../api/shapes'

const STATUS_MS = 60_000

export const useRules = () => useQuery({ queryKey: ['rules'], queryFn: ({ signal }) => rules.list(signal), refetchInterval: STATUS_MS })
export const useRule = (id: string | undefined) => useQuery({ queryKey: ['rule', id], queryFn: ({ signal }) => rules.get(id ?? '', signal), enabled: id !== undefined })
export const usePackages = () => useQuery({ queryKey: ['packages'], queryFn: ({ signal }) => rules.packages(signal) })
export const useExceptions = () => useQuery({ queryKey: ['exceptions'], queryFn: ({ signal }) => rules.exceptions(signal) })

/** Takes a rule as the server has it now; what else depends on it is asked for anew. */
export function useRuleChanged(): (detail: RuleDetail) => void {
  const client = useQueryClient()
  return (detail) => {
    client.setQueryData(['rule', detail.rule.id], detail)
    client.setQueryData<RuleList>(['rules'], (list) => list && { ...list, rules: list.rules.map((rule) => (rule.id === detail.rule.id ? detail.rule : rule)) })
    for (const key of ['rules', 'history']) void askAnew(client, key)
  }
}

/** After rules came or went: everything of Rules is asked for anew. */
export function useRulesAgain(): () => void {
  const client = useQueryClient()
  return () => {
    for (const key of ['rules', 'rule', 'packages', 'exceptions', 'history']) void askAnew(client, key)
  }
}

/** An answer that is still on its way may be from before the change, and would be taken for the new one. */
async function askAnew(client: QueryClient, key: string): Promise<void> {
  await client.cancelQueries({ queryKey: [key] })
  await client.invalidateQueries({ queryKey: [key] })
}
