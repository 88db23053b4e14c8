/**
 * One line of text that loses its middle where room is short: paths and ids begin alike, and their ends tell
 * them apart. An address of a person keeps its beginning, since its end is the same for everybody.
 */
const LENGTH_MIN = 16

export function Middle({ text }: { text: string }) {
  const at = text.includes('@') ? text.length : tailStart(text)
  if (at === text.length) return text
  return (
    <>
      <span className="middle-head" style={{ '--tail': text.length - at } as React.CSSProperties}>
        {text.slice(0, at)}
      </span>
      {text.slice(at)}
    </>
  )
}

/** Where the last whole parts begin that fit; the last few signs of a text without parts. */
export function tailStart(text: string): number {
  if (text.length <= LENGTH_MIN) return text.length
  return (/[./:_-].{2,13}$/su.exec(text) ?? /.{8}$/su.exec(text))?.index ?? text.length
}
