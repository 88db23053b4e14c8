import { ago, clock, hoverTime } from '../activity/time'
import { usePrefs } from './prefs'

/** A moment in a table: the day and minute, how long ago beside it, everything on hover. */
export function When({ iso, none = 'never' }: { iso: string | null | undefined; none?: string }) {
  const { zone } = usePrefs()
  if (iso === null || iso === undefined) return <span className="muted">{none}</span>
  const { day, time } = clock(iso, zone, false)
  return (
    <time className="when" dateTime={iso} title={hoverTime(iso)}>
      {day} {time.slice(0, 5)} <span className="muted small">{ago(iso)}</span>
    </time>
  )
}

/** Only how long ago, or until when. */
export function Ago({ iso }: { iso: string }) {
  return (
    <time dateTime={iso} title={hoverTime(iso)}>
      {ago(iso)}
    </time>
  )
}
