import { useQuery } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'
import { createContext, use, useMemo } from 'react'
import { own } from '../api/own'
import type { Me } from '../api/shapes'
import { Rights } from './rights'

/** Who is signed in. The same for every account, so that switching asks nobody again. */
export function useMeQuery() {
  return useQuery({ queryKey: ['me'], queryFn: ({ signal }) => own.me(signal), staleTime: 300_000 })
}

export interface Signed {
  me: Me
  rights: Rights
  /** The account that the page is about. */
  account: string
}

export const SignedContext = createContext<Signed | undefined>(undefined)

/** The person and their rights, on every page inside the shell. */
export function useSigned(): Signed {
  const signed = use(SignedContext)
  if (!signed) throw new Error('shown inside the shell')
  return signed
}

export function useAccount(): string | undefined {
  return useRouterState({ select: (state) => (state.location.search as { account?: string }).account })
}

export function useSignedOf(me: Me | undefined): Signed | undefined {
  const account = useAccount()
  return useMemo(() => (me ? { me, rights: new Rights(me, account), account: account ?? me.account } : undefined), [me, account])
}
