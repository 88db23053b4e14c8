import { useState } from 'react'
import type { RuleDetail } from '../api/shapes'

export interface Draft {
  text: string
  setText: (text: string) => void
  /** What the text was written on: saving it anywhere else would undo what others did meanwhile. */
  base: RuleDetail
  isChanged: boolean
  /** It was saved, as `sent`; what was written since then stays, and is not saved yet. */
  saved: (now: RuleDetail, sent: string) => void
}

/**
 * A rule's text while it is written. Of what the server has meanwhile, a text that nobody touched here takes all; a draft
 * takes what leaves its base as it was, a switch or a level, and keeps its base otherwise, so that saving it is refused.
 */
export function useDraft(detail: RuleDetail): Draft {
  const [base, setBase] = useState(detail)
  const [text, setText] = useState(detail.text)
  const isChanged = text !== base.text
  if (base !== detail && (!isChanged || text === detail.text || base.text === detail.text)) {
    setBase(detail)
    if (!isChanged) setText(detail.text)
  }
  const saved = (now: RuleDetail, sent: string): void => {
    setBase(now)
    setText((written) => (written === sent ? now.text : written))
  }
  return { text, setText, base, isChanged, saved }
}
