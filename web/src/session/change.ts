/** Changes that matter: when the last full sign-in is too old, the person is asked once more and the change is made again. */
import { useMutation, type UseMutationOptions } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { isProblem, Problem } from '../api/problem'

interface Asked {
  resolve: () => void
  reject: (reason: Problem) => void
}

let waiting: Asked[] = []
const listeners = new Set<() => void>()

function set(next: Asked[]): void {
  waiting = next
  for (const listener of listeners) listener()
}

/** Makes a change, and once more after the person proved anew who they are. */
export async function confirmed<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (!isProblem(error, 'stale_session')) throw error
  }
  await new Promise<void>((resolve, reject) => set([...waiting, { resolve, reject }]))
  return change()
}

/** Whether somebody waits for the person; the dialog stands as long. */
export function useIsAsked(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => waiting.length > 0,
  )
}

export function answerAsked(isProved: boolean): void {
  const all = waiting
  set([])
  for (const asked of all) {
    if (isProved) asked.resolve()
    else asked.reject(new Problem(403, { code: 'cancelled', title: 'Nothing was changed', detail: 'Nothing was changed: it needs your password once more.' }))
  }
}

/** A mutation whose change may need the person's password once more. */
export function useChange<Data, Variables = void>(options: UseMutationOptions<Data, Error, Variables> & { mutationFn: (variables: Variables) => Promise<Data> }) {
  const { mutationFn, ...rest } = options
  return useMutation<Data, Error, Variables>({ ...rest, mutationFn: (variables) => confirmed(() => mutationFn(variables)) })
}
