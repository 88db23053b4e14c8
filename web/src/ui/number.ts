const format = new Intl.NumberFormat('en-US')
export const count = (value: number): string => format.format(value)
export const events = (value: number): string => `${format.format(value)} ${value === 1 ? 'event' : 'events'}`
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })
export const compact = (value: number): string => (value < 10_000 ? format.format(value) : short.format(value))
