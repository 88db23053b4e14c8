import { useEffect, useState } from 'react'

/** `2:05`, or `40 s` below a minute. */
export function countdownText(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.ceil(seconds))} s`
  const whole = Math.ceil(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`
}

/** Seconds that are left until `at` (milliseconds since 1970), told every second; 0 when it is over. */
export function useCountdown(at: number | undefined): number {
  const [now, setNow] = useState(() => Date.now())
  const over = at === undefined || now >= at
  useEffect(() => {
    if (over) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [over])
  // A moment that was set after the last tick counts from now.
  return at === undefined ? 0 : Math.max(0, Math.ceil((at - now) / 1000))
}
