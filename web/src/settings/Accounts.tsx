/** The accounts of the installation, for its operators. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useId, useState } from 'react'
import { admin } from '../api/admin'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { Refused } from '../session/Gate'
import { useSwitchAccount } from '../shell/AccountSwitch'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { When } from '../ui/When'
import { historyOf } from './History'
import { Tab } from './Tab'

export function AccountsTab() {
  const { me, account } = useSigned()
  const switchAccount = useSwitchAccount()
  const [isMaking, setIsMaking] = useState(false)
  const accounts = useQuery({ queryKey: ['accounts'], queryFn: ({ signal }) => admin.accounts(signal), enabled: me.is_operator })
  if (!me.is_operator) return <Refused need={['settings.manage']} />
  return (
    <Tab
      title="Accounts"
      lead="Tenants of this installation. Nothing is shared between two accounts, and operators see what is in one only as its members."
      need={['settings.read']}
      history={`${historyOf(['account'])} action:==whodid.account.create`}
      action={
        <button type="button" className="button primary" onClick={() => setIsMaking(true)}>
          <Plus size={14} aria-hidden /> Make an account
        </button>
      }
    >
      <Loaded query={accounts}>
        {(list) => (
          <table className="page-table">
            <thead>
              <tr>
                <th scope="col">Account</th>
                <th scope="col">Records are in</th>
                <th scope="col">Made</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map((item) => (
                <tr key={item.name}>
                  <th scope="row" data-label="Account">
                    <span className="stacked">
                      {item.title}
                      <span className="mono muted small">{item.name}</span>
                    </span>
                  </th>
                  <td data-label="Records are in">{item.storage === null ? <span className="muted">the server’s own place</span> : <code className="wrap">{item.storage}</code>}</td>
                  <td data-label="Made">
                    <When iso={item.created_at} />
                  </td>
                  <td className="row-action">
                    {item.name === account ? (
                      <span className="tag tag-accent">you are here</span>
                    ) : me.accounts.includes(item.name) ? (
                      <button type="button" className="button small" aria-label={`Go there: ${item.title}`} onClick={() => switchAccount(item.name)}>
                        Go there
                      </button>
                    ) : (
                      <span className="muted small">not a member</span>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
      {isMaking && <MakeAccount onClose={() => setIsMaking(false)} />}
    </Tab>
  )
}

function MakeAccount({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [title, setTitle] = useState('')
  const [storage, setStorage] = useState('')
  const id = useId()
  const make = useChange({
    mutationFn: () => admin.createAccount({ name, ...(title.trim() === '' ? {} : { title: title.trim() }), ...(storage.trim() === '' ? {} : { storage: storage.trim() }) }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['accounts'] })
      void client.invalidateQueries({ queryKey: ['me'] })
      notify(`Account ${name} is made; you are its administrator`)
      onClose()
    },
  })
  return (
    <Dialog title="Make an account" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate()
        }}
      >
        <div className="field">
          <label htmlFor={`${id}-name`}>Name</label>
          <input id={`${id}-name`} type="text" className="field-input mono" required maxLength={63} autoComplete="off" autoCapitalize="off" spellCheck={false} placeholder="research" value={name} onChange={(event) => setName(event.target.value.toLowerCase().replace(/[^a-z0-9_-]/g, '-').replace(/^[_-]+/, ''))} />
          <p className="field-hint">Small letters, digits, - and _. It cannot be changed later.</p>
        </div>
        <div className="field">
          <label htmlFor={`${id}-title`}>Title (optional)</label>
          <input id={`${id}-title`} type="text" className="field-input" maxLength={100} autoComplete="off" placeholder="Research" value={title} onChange={(event) => setTitle(event.target.value)} />
        </div>
        <div className="field">
          <label htmlFor={`${id}-storage`}>A place of its own for its records (optional)</label>
          <input id={`${id}-storage`} type="text" className="field-input mono" autoComplete="off" spellCheck={false} placeholder="/srv/whodid-research or s3://bucket/prefix" value={storage} onChange={(event) => setStorage(event.target.value)} />
          <p className="field-hint">Empty: the server’s own. It cannot be changed later.</p>
        </div>
        <p className="muted">You become its first administrator.</p>
        <ChangeError error={make.error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={name === '' || make.isPending}>
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  )
}
