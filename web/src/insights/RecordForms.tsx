/** The insight as JSON: whodid's own form, and those of the vendors whose insights it is like. The form is in the address. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { ChevronRight, Copy } from 'lucide-react'
import { insights } from '../api/insights'
import type { Insight } from '../api/shapes'
import { copyText } from '../ui/notice'
import { vendorForm } from './search'

const FORMS = [['whodid', 'whodid'], ['actiontrail', 'ActionTrail'], ['cloudtrail', 'CloudTrail']] as const
const BEFORE_MS = 60_000

export function RecordForms({ insight, form }: { insight: Insight; form: string | undefined }) {
  const navigate = useNavigate()
  const show = (next: string | undefined): void => void navigate({ to: '.', search: (now) => ({ ...now, form: next }), replace: true })
  const vendor = vendorForm(form)
  const from = new Date(Date.parse(insight.start) - BEFORE_MS).toISOString()
  const asked = useQuery({ queryKey: ['insights', 'form', insight.id, vendor], queryFn: ({ signal }) => (vendor ? insights.inForm(vendor, insight.id, from, signal) : Promise.resolve([])), enabled: vendor !== undefined })
  const isOpen = form !== undefined
  const shown: unknown = vendor ? asked.data : insight
  const text = shown === undefined ? '' : JSON.stringify(Array.isArray(shown) && shown.length === 1 ? shown[0] : shown, null, 2)
  const name = FORMS.find(([one]) => one === form)?.[1] ?? 'whodid'
  return (
    <section className="alert-part record-forms">
      <div className="panel-head">
        <h3>
          <button type="button" className="fold-button" aria-expanded={isOpen} onClick={() => show(isOpen ? undefined : 'whodid')}>
            <ChevronRight size={13} aria-hidden className={isOpen ? 'turned' : ''} /> As JSON
          </button>
        </h3>
        <span className="spring" />
        {isOpen && (
          <div className="segmented" role="group" aria-label="Form">
            {FORMS.map(([one, label]) => (
              <button key={one} type="button" aria-pressed={form === one} onClick={() => show(one)}>
                {label}
              </button>
            ))}
          </div>
        )}
      </div>
      {isOpen &&
        (vendor && asked.isError ? (
          <p className="warn small">{asked.error.message}</p>
        ) : vendor && asked.data?.length === 0 ? (
          <p className="muted small">{name} has no insights of this kind.</p>
        ) : text === '' ? (
          <div className="evidence-skeleton" aria-hidden />
        ) : (
          <>
            <pre className="raw mono" tabIndex={0} role="region" aria-label={`The insight in the form of ${name}`}>
              {text}
            </pre>
            <button type="button" className="link-button" onClick={() => void copyText(text, 'JSON')}>
              <Copy size={13} aria-hidden /> Copy
            </button>
          </>
        ))}
    </section>
  )
}
