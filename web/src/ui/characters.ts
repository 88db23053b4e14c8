/** Characters as people count them: an emoji is one. */
export function characters(text: string): string[] {
  return Array.from(new Intl.Segmenter('en').segment(text), ({ segment }) => segment)
}
