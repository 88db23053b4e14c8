/** What a pattern would have silenced of the last 90 days, before anybody says that it holds. */
import { useQuery } from '@tanstack/react-query'
import { LoaderCircle } from 'lucide-react'
import { visible } from '../activity/event'
import { withShortIds } from '../alerts/words'
import { insights } from '../api/insights'
import type { InsightPattern } from '../api/shapes'
import { useSigned } from '../session/me'
import { useSettled } from '../ui/hooks'
import { count } from '../ui/number'
import { Ago } from '../ui/When'
import { SeverityMark } from './Marks'

const SETTLE_MS = 400

export function PatternPreview({ pattern, problem }: { pattern: InsightPattern; problem: string | undefined }) {
  const { rights } = useSigned()
  // Until when it holds changes nothing about what was.
  const asked = JSON.stringify({ ...pattern, expires_at: undefined })
  const settled = useSettled(asked, SETTLE_MS)
  const preview = useQuery({ queryKey: ['insights', 'preview', settled], queryFn: ({ signal }) => insights.preview(JSON.parse(settled) as InsightPattern, signal), enabled: problem === undefined && rights.seesAllEvents, staleTime: 60_000, retry: false })
  const body = (() => {
    if (problem !== undefined) return <p className="muted">{problem}</p>
    if (!rights.seesAllEvents) return <p className="muted">What it would have silenced is shown to those who may read every event of the account.</p>
    if (preview.isError) return <p className="warn">What it would have silenced is not known: {preview.error.message}</p>
    if (preview.data === undefined || asked !== settled) {
      return (
        <p className="muted preview-wait">
          <LoaderCircle size={13} className="spinning" aria-hidden /> Counting what it would have silenced…
        </p>
      )
    }
    const { silenced, of, examples, is_cut } = preview.data
    return (
      <>
        <p>
          Would have silenced <strong className="tabular">{count(silenced)}</strong> of <strong className="tabular">{count(of)}</strong> {of === 1 ? 'insight' : 'insights'} of the last 90 days{is_cut === true && ', the oldest of which were too many to be looked at'}.
        </p>
        {of > 1 && silenced === of && <p className="warn">That is every insight. Narrow it, or switch the kind off in Settings if that is meant.</p>}
        {examples.length > 0 && (
          <ul className="preview-examples" aria-label="The latest of them">
            {examples.slice(0, 5).map((example) => (
              <li key={example.id}>
                <SeverityMark insight={example} isShort />
                <span>{withShortIds(visible(example.sentence))}</span>
                <span className="muted small">
                  <Ago iso={example.start} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </>
    )
  })()
  return (
    <section className="exception-preview" aria-label="What it would have silenced" aria-live="polite">
      {body}
    </section>
  )
}
