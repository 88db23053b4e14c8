/** Single matches, each leading to the newest of its events. */
import { Link } from '@tanstack/react-router'
import { clock, hoverTime } from '../activity/time'
import type { BacktestSample } from '../api/shapes'
import { usePrefs } from '../ui/prefs'

/** So much before and after the event is listed beside it. */
const AROUND_MS = 900_000

/** `isApart`: links open in a new tab, so that what is being written stays. */
export function Hits({ samples, isApart = false }: { samples: BacktestSample[]; isApart?: boolean }) {
  const { zone } = usePrefs()
  return (
    <ol className="hits">
      {samples.map((sample, at) => {
        const { day, time } = clock(sample.time, zone, false)
        const newest = sample.evidence.at(-1)
        const [from, to] = [-AROUND_MS, AROUND_MS].map((shift) => new Date(Date.parse(sample.time) + shift).toISOString())
        return (
          <li key={at} className={sample.is_silenced ? 'is-silenced' : undefined}>
            <time className="muted tabular small" dateTime={sample.time} title={hoverTime(sample.time)}>
              {day} {time}
            </time>
            {newest === undefined ? (
              <span>{sample.sentence}</span>
            ) : (
              <Link to={newest.startsWith('audit:') ? '/audit' : '/activity'} search={{ event: newest, from, to }} target={isApart ? '_blank' : undefined}>
                {sample.sentence}
                {isApart && <span className="visually-hidden">, in a new tab</span>}
              </Link>
            )}
            {sample.is_silenced && <span className="tag">silenced</span>}
          </li>
        )
      })}
    </ol>
  )
}
