/** Channels with when each is told, shared by several alerts on searches. */
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { searches } from '../api/searches'
import type { TellingPreset } from '../api/shapes'
import { Confirm } from '../ui/Confirm'
import { useRowsLeave } from '../ui/focus'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { PresetDialog } from './PresetDialog'
import { useChannels, usePresets, useSearchesChanged } from './queries'
import { ToldList } from './ToldList'
import { usePeople } from '../alerts/people'

export function Presets({ mayManage }: { mayManage: boolean }) {
  const presets = usePresets()
  const channels = useChannels()
  const { name } = usePeople()
  const changed = useSearchesChanged()
  const [editing, setEditing] = useState<TellingPreset | 'new' | undefined>()
  useRowsLeave(presets.data?.length)
  const [deleting, setDeleting] = useState<TellingPreset | undefined>()
  return (
    <section className="told-presets" aria-labelledby="presets-title">
      <header className="presets-head">
        <div>
          <h2 id="presets-title">Presets</h2>
          <p className="muted">Whom to tell and when, once for several alerts.</p>
        </div>
        {mayManage && channels.isSeen && (
          <button type="button" className="button" onClick={() => setEditing('new')}>
            <Plus size={14} aria-hidden /> New preset
          </button>
        )}
      </header>
      <Loaded query={presets}>
        {(list) =>
          list.length === 0 ? (
            <p className="muted small presets-none">None yet. {channels.isSeen ? 'A preset saves naming the same channels in each alert, and changes them all at once.' : 'Who may look at channels can make one.'}</p>
          ) : (
            <table className="page-table presets-table" aria-label="Presets">
              <thead>
                <tr>
                  <th scope="col">Preset</th>
                  <th scope="col">Tells</th>
                  <th scope="col">Used by</th>
                  <th scope="col">By</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((preset) => (
                  <tr key={preset.id}>
                    <th scope="row" data-label="Preset" className="wrap">
                      {preset.name}
                    </th>
                    <td data-label="Tells">
                      <ToldList channels={preset.channels} />
                    </td>
                    <td data-label="Used by" className="wrap">
                      {preset.used_by.length === 0 ? <span className="muted">no alert</span> : preset.used_by.join(', ')}
                    </td>
                    <td data-label="By" className="wrap">
                      {name(preset.created_by)}
                    </td>
                    <td className="row-action">
                      {mayManage && (
                        <span className="button-row">
                          <button type="button" className="button small" aria-label={`Change the preset ${preset.name}`} onClick={() => setEditing(preset)}>
                            Change
                          </button>
                          <button type="button" className="button small danger" aria-label={`Delete the preset ${preset.name}`} onClick={() => setDeleting(preset)}>
                            Delete
                          </button>
                        </span>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
      {editing !== undefined && <PresetDialog preset={editing === 'new' ? undefined : editing} onDone={() => setEditing(undefined)} onClose={() => setEditing(undefined)} />}
      {deleting && (
        <Confirm
          title={`Delete the preset “${deleting.name}”?`}
          action={deleting.used_by.length === 0 ? 'Delete' : deleting.used_by.length === 1 ? 'Delete it and the alert' : `Delete it and ${deleting.used_by.length} alerts`}
          keep="Keep it"
          change={() => searches.deletePreset(deleting.id)}
          onClose={() => setDeleting(undefined)}
          onDone={() => {
            changed()
            notify(`The preset “${deleting.name}” is deleted`)
            setDeleting(undefined)
          }}
        >
          {deleting.used_by.length === 0 ? (
            <p>No alert uses it.</p>
          ) : (
            <>
              <p>
                <strong>{deleting.used_by.length === 1 ? 'This alert ends with it' : 'These alerts end with it'}</strong>: nobody watches {deleting.used_by.length === 1 ? 'its search' : 'their searches'} any more.
              </p>
              <ul className="ends-with">
                {deleting.used_by.map((alert) => (
                  <li key={alert}>{alert}</li>
                ))}
              </ul>
              <p className="muted small">To keep {deleting.used_by.length === 1 ? 'it' : 'them'}, first choose another preset or channels there.</p>
            </>
          )}
        </Confirm>
      )}
    </section>
  )
}
