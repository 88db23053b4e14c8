/** Steps on the way in: what was answered, what was refused, and how long to wait after too many tries. */
import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import type { Step } from '../api/own'
import { isProblem } from '../api/problem'
import type { Challenge } from '../api/shapes'
import { useCountdown } from './countdown'

const WAIT_SECONDS = 60

/** `begun`: the challenge of a sign-in that began elsewhere. */
export function useSigningIn(next: string | undefined, begun?: Challenge) {
  const router = useRouter()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [challenge, setChallenge] = useState(begun)
  const [waitUntil, setWaitUntil] = useState<number | undefined>()
  const wait = useCountdown(waitUntil)

  /** Takes one step; true when it was not refused. */
  const step = async (way: () => Promise<Step>): Promise<boolean> => {
    setBusy(true)
    setError(undefined)
    try {
      const answer = await way()
      if ('challenge' in answer) {
        setChallenge(answer.challenge)
        setBusy(false)
      } else {
        client.clear()
        router.history.replace(next ?? '/')
      }
      return true
    } catch (cause) {
      if (isProblem(cause, 'too_many_tries')) setWaitUntil(Date.now() + (cause.retryAfter ?? WAIT_SECONDS) * 1000)
      setError(cause)
      setBusy(false)
      return false
    }
  }
  const startOver = (): void => {
    setChallenge(undefined)
    setError(undefined)
  }
  return { busy, setBusy, error, challenge, wait, step, startOver }
}

export type SigningIn = ReturnType<typeof useSigningIn>
