import type { Level } from '../api/shapes'
import { LEVEL_MEANS, LEVELS } from './words'

const BARS = [4, 6.5, 9, 11.5]

/** How grave, as bars and a word, so that colour is never alone. */
export function LevelBadge({ level }: { level: Level }) {
  const filled = LEVELS.length - 1 - LEVELS.indexOf(level)
  return (
    <span className={`level level-${level}`} title={LEVEL_MEANS[level]}>
      <svg width={15} height={12} viewBox="0 0 15 12" aria-hidden>
        {BARS.map((height, at) => (
          <rect key={height} x={at * 4} y={12 - height} width={3} height={height} rx={0.8} className={at < filled ? 'bar' : 'bar-empty'} />
        ))}
      </svg>
      {level}
    </span>
  )
}
