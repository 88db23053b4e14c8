/** Numbers one after the other, as small bars. Decoration: what it says stands beside it in words. */
interface SparklineProps {
  values: readonly number[]
  /** Of each value, the part that is drawn apart at its top. */
  marked?: readonly number[]
  width: number
  height: number
}

const BAR_MIN = 2

export function Sparkline({ values, marked, width, height }: SparklineProps) {
  const top = Math.max(1, ...values)
  const slot = width / Math.max(1, values.length)
  const gap = slot > 5 ? 2 : slot > 3 ? 1 : 0
  return (
    <svg className="sparkline" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden>
      {values.map((value, at) => {
        const tall = value === 0 ? 0 : Math.max(BAR_MIN, (value / top) * height)
        const part = marked?.[at] ?? 0
        const apart = value === 0 || part === 0 ? 0 : Math.max(1.5, (part / value) * tall)
        const x = at * slot + gap / 2
        const wide = Math.max(0.75, slot - gap)
        return (
          <g key={at}>
            <rect x={x} width={wide} y={value === 0 ? height - 1 : height - tall} height={value === 0 ? 1 : tall} className={value === 0 ? 'spark-none' : 'spark-bar'} />
            {apart > 0 && <rect x={x} width={wide} y={height - tall} height={apart} className="spark-part" />}
          </g>
        )
      })}
    </svg>
  )
}
