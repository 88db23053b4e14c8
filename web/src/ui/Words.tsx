/** What the server says, names in `marks` set apart as code. */
export function Words({ text }: { text: string }) {
  const parts = text.split(/`([^`\s](?:[^`\n]*[^`\s])?)`/)
  return parts.map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))
}
