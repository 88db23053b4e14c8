/** New events as they come, while live is on. Kept apart from the pages of the search, newest first. */
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { followTail } from '../api/client'
import type { AuditEvent, Filter } from '../api/shapes'

/** Beyond this the oldest live rows leave the screen; a search finds them. */
const ROWS_MAX = 5000

export interface Live {
  on: boolean
  /** Whether the stream is open; false while it waits to connect again. */
  connected: boolean
  rows: AuditEvent[]
  /** How many arrived while paused. */
  waiting: number
  paused: boolean
  /** Events the server left out because this page was too slow. */
  dropped: number
  pause: () => void
  resume: () => void
}

interface State {
  key: string
  connected: boolean
  rows: AuditEvent[]
  held: AuditEvent[]
  paused: boolean
  dropped: number
}

const fresh = (key: string): State => ({ key, connected: false, rows: [], held: [], paused: false, dropped: 0 })

export function useLive(on: boolean, filter: Filter): Live {
  const { q, stream, logs } = filter
  const key = on ? `on ${JSON.stringify([q, stream, logs])}` : 'off'
  const [state, setState] = useState<State>(() => fresh(key))
  const arrived = useRef<AuditEvent[]>([])
  const client = useQueryClient()
  if (state.key !== key) setState(fresh(key))

  useEffect(() => {
    if (!on) return
    arrived.current = []
    // Many events may come in one frame; the table is told once a frame.
    let frame = 0
    const deliver = (): void => {
      frame = 0
      const batch = arrived.current.reverse()
      arrived.current = []
      setState((now) => (now.paused ? { ...now, held: [...batch, ...now.held].slice(0, ROWS_MAX) } : { ...now, rows: [...batch, ...now.rows].slice(0, ROWS_MAX) }))
    }
    const stop = followTail({ q, stream, logs }, {
      onEvent: (event) => {
        arrived.current.push(event)
        // A page in the background is told seldom.
        if (arrived.current.length >= 2 * ROWS_MAX) arrived.current.splice(0, ROWS_MAX)
        if (frame === 0) frame = window.setTimeout(deliver, 50)
      },
      onLagged: (dropped) => setState((now) => ({ ...now, dropped: now.dropped + dropped })),
      onState: (open) => {
        setState((now) => ({ ...now, connected: open !== 'waiting' }))
        // A stream that ends does not say why; this answer does when the session is over.
        if (open === 'waiting') void client.invalidateQueries({ queryKey: ['status'] })
        // A new stream does not know what the old one missed.
        if (open === 'again') void client.invalidateQueries({ queryKey: ['events'] })
      },
    })
    return () => {
      stop()
      clearTimeout(frame)
    }
  }, [on, q, stream, logs, client])

  const pause = useCallback(() => setState((now) => (now.paused ? now : { ...now, paused: true })), [])
  const resume = useCallback(() => setState((now) => ({ ...now, paused: false, rows: [...now.held, ...now.rows].slice(0, ROWS_MAX), held: [] })), [])
  return { on, connected: state.connected, rows: state.rows, waiting: state.held.length, paused: state.paused, dropped: state.dropped, pause, resume }
}
