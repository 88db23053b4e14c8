/** Sessions for taking events away: made for some days, each gives its events once. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Download, FileDown, Plus } from 'lucide-react'
import { useState } from 'react'
import { downloadAddress, keeping } from '../api/keeping'
import type { DownloadSession } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError, Confirm } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { SpanFields } from './SpanFields'
import { daysText, hourText, sentSpan, spanProblem, whoseText, type Span } from './span'

/** How often it is asked whether a download that was begun here has ended, and for how long. */
const ASK_MS = 1500
const ASK_MS_MAX = 10 * 60_000

const whatText = (session: DownloadSession): string => `${daysText(session.from, session.to)}${session.hour === null ? '' : `, ${hourText(session.hour)}`}`

export function DownloadsPanel({ span }: { span: Span }) {
  const client = useQueryClient()
  const [isMaking, setIsMaking] = useState(false)
  const [deleting, setDeleting] = useState<DownloadSession | undefined>()
  const [begun, setBegun] = useState<Readonly<Record<string, number>>>({})
  const sessions = useQuery({
    queryKey: ['downloads'],
    queryFn: ({ signal }) => keeping.downloads(signal),
    // The browser takes the file by itself and tells the page nothing.
    refetchInterval: ({ state }) => (state.data?.some((session) => session.downloaded_at === null && Date.now() - (begun[session.id] ?? -Infinity) < ASK_MS_MAX) ? ASK_MS : false),
  })
  const again = (): void => {
    void client.invalidateQueries({ queryKey: ['downloads'] })
    void client.invalidateQueries({ queryKey: ['history'] })
  }
  return (
    <section className="panel" aria-labelledby="downloads">
      <div className="panel-head">
        <h2 id="downloads">Downloads</h2>
        <button type="button" className="button small" onClick={() => setIsMaking(true)}>
          <Plus size={13} aria-hidden /> Make a download
        </button>
      </div>
      <p className="muted">A session for some days, yours alone. It gives its events once, as one gzip file with an event a line; one that broke off begins anew. Unused for two weeks it is dropped.</p>
      <Loaded query={sessions}>
        {(list) =>
          list.length === 0 ? (
            <p className="empty-line">
              <FileDown size={15} aria-hidden /> You have none. To take away only what a search finds, use Export on the Activity page.
            </p>
          ) : (
            <table className="page-table">
              <thead>
                <tr>
                  <th scope="col">Days (UTC)</th>
                  <th scope="col">Events of</th>
                  <th scope="col">Made</th>
                  <th scope="col">Downloaded</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((session) => (
                  <tr key={session.id} className={session.downloaded_at === null ? '' : 'dimmed'}>
                    <th scope="row" data-label="Days">
                      <span className="stacked">
                        {whatText(session)}
                        <span className="mono muted small">{session.id}</span>
                      </span>
                    </th>
                    <td data-label="Events of">{whoseText(session.account_level ? 'account' : session.space === null ? 'all' : 'space', session.space, 'all that you may see')}</td>
                    <td data-label="Made">
                      <When iso={session.create_time} />
                    </td>
                    <td data-label="Downloaded">
                      {session.downloaded_at !== null ? <When iso={session.downloaded_at} /> : session.id in begun ? <span className="muted">under way</span> : <span className="muted">not yet</span>}
                    </td>
                    <td className="row-action">
                      <span className="row-buttons">
                        {session.downloaded_at === null && (
                          <a className="button small primary" href={downloadAddress(session.id)} download aria-label={`Download the events of ${whatText(session)}`} onClick={() => setBegun({ ...begun, [session.id]: Date.now() })}>
                            <Download size={13} aria-hidden /> Download
                          </a>
                        )}
                        <button type="button" className="button small danger" aria-label={`Delete the download of ${whatText(session)}`} onClick={() => setDeleting(session)}>
                          Delete
                        </button>
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
      {isMaking && <MakeDownload first={span} onMade={again} onClose={() => setIsMaking(false)} />}
      {deleting && (
        <Confirm
          title={`Delete the download of ${whatText(deleting)}?`}
          action="Delete"
          change={() => keeping.deleteDownload(deleting.id)}
          onClose={() => setDeleting(undefined)}
          onDone={() => {
            again()
            setDeleting(undefined)
            notify('The download is deleted')
          }}
        >
          <p>Only the session goes. The events stay, and so does a file that was taken already.</p>
        </Confirm>
      )}
    </section>
  )
}

function MakeDownload({ first, onMade, onClose }: { first: Span; onMade: () => void; onClose: () => void }) {
  const [draft, setDraft] = useState(first)
  const problem = spanProblem(draft)
  const make = useChange({
    mutationFn: () => keeping.createDownload(sentSpan(draft)),
    onSuccess: () => {
      onMade()
      notify('The download is made')
      onClose()
    },
  })
  return (
    <Dialog title="Make a download" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate()
        }}
      >
        <SpanFields value={draft} onChange={setDraft} all="All I may see" />
        {problem !== undefined && <p className="field-error">{problem}</p>}
        <p className="muted small">What it gives is decided when it is downloaded, by what you may see then.</p>
        <ChangeError error={make.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={problem !== undefined || make.isPending}>
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  )
}
