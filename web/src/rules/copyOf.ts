/** The text of a rule as one of the account's own: with ids that no other rule has. */
export function copyOf(text: string): string {
  const ids = Array.from(text.matchAll(/^id:[ \t]*(['"]?)([^\s'"#]+)\1/gm), ([, , id]) => id ?? '')
  const mine = (id: string): string => (id.startsWith('own-') ? `${id}-2` : `own-${id}`)
  let copied = text.replace(/^(id:[ \t]*)(['"]?)([^\s'"#]+)\2/gm, (_, before: string, quote: string, id: string) => `${before}${quote}${mine(id)}${quote}`)
  for (const id of ids) {
    // Where a correlation or a filter names a rule of the same text.
    const escaped = id.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    copied = copied.replace(new RegExp(`^(\\s+rules:[ \\t]*.*)$`, 'gm'), (line) => line.replace(new RegExp(`(^|[\\s[,'"])${escaped}(?=$|[\\s\\],'"])`, 'g'), (_, before: string) => `${before}${mine(id)}`))
    copied = copied.replace(new RegExp(`^(\\s+-[ \\t]*['"]?)${escaped}(['"]?[ \\t]*)$`, 'gm'), (_, before: string, after: string) => `${before}${mine(id)}${after}`)
  }
  return copied
}
