const format = new Intl.NumberFormat('en-US')
export const count = (value: number): string => format.format(value)
export const events = (value: number): string => `${format.format(value)} ${value === 1 ? 'event' : 'events'}`
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })
export const compact = (value: number): string => (value < 10_000 ? format.format(value) : short.format(value))
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const
/** A size as people read it, in the units of the command line: `1.7 MiB`. */
export function bytes(value: number): string {
  let size = value
  let unit: string | undefined
  for (const next of UNITS) {
    if (size < 1024) break
    size /= 1024
    unit = next
  }
  return unit === undefined ? `${format.format(value)} B` : `${size.toFixed(size < 99.95 ? 1 : 0)} ${unit}`
}
