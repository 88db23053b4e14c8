/** Installing a package: the archive is tried first, and what it would do stands before anything is done. */
import { FileArchive } from 'lucide-react'
import { useRef, useState } from 'react'
import { rules } from '../api/rules'
import type { PackageInstalled } from '../api/shapes'
import { useChange } from '../session/change'
import { ChangeError } from '../ui/Confirm'
import { Dialog } from '../ui/Dialog'
import { notify } from '../ui/notice'
import { bytes } from '../ui/number'
import { Words } from '../ui/Words'
import { FileChanges } from './FileChanges'
import { placeText } from './problemLines'
import { useRulesAgain } from './queries'

const LOOKING = 'Looking at it: every rule is read and every test is run…'

export function InstallPackage({ onClose }: { onClose: () => void }) {
  const again = useRulesAgain()
  const input = useRef<HTMLInputElement>(null)
  const [file, setFile] = useState<File | undefined>()
  const [isOver, setIsOver] = useState(false)
  const look = useChange({ mutationFn: (archive: File) => rules.install(archive, { dry_run: true }) })
  const install = useChange({
    // Just what was looked at is installed, should the file be another by now.
    mutationFn: ({ archive, digest }: { archive: File; digest: string }) => rules.install(archive, { dry_run: false, digest }),
    onSuccess: (done) => {
      again()
      notify(`“${done.package.title}” ${done.package.version} is installed`)
      onClose()
    },
  })
  const choose = (chosen: File | undefined): void => {
    if (!chosen) return
    setFile(chosen)
    install.reset()
    look.mutate(chosen)
  }
  const seen = look.data
  return (
    <Dialog title="Install a package" onClose={onClose}>
      <div
        className={`drop${isOver ? ' is-over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault()
          setIsOver(true)
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          setIsOver(false)
          choose(event.dataTransfer.files[0])
        }}
      >
        <FileArchive size={22} aria-hidden />
        <p>{file ? <><strong className="wrap">{file.name}</strong> <span className="muted">{bytes(file.size)}</span></> : 'Drop an archive here: a .tar.gz with package.yaml and its rules.'}</p>
        <button type="button" className="button" data-focus onClick={() => input.current?.click()}>
          {file ? 'Choose another' : 'Choose a file'}
        </button>
        <input ref={input} type="file" accept=".gz,.tgz,application/gzip" className="visually-hidden" tabIndex={-1} aria-label="Archive of the package" onChange={(event) => { choose(event.target.files?.[0]); event.target.value = '' }} />
      </div>
      <p className="visually-hidden" role="status">
        {look.isPending ? LOOKING : seen && `Every test passes. What “${seen.package.title}” would do stands below.`}
      </p>
      {look.isPending && (
        <p className="muted small" aria-hidden>
          {LOOKING}
        </p>
      )}
      <ChangeError error={look.error} />
      {seen && <WouldDo seen={seen} />}
      <ChangeError error={install.error} />
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="button primary" disabled={!seen || !file || look.isPending || install.isPending} onClick={() => file && install.mutate({ archive: file, digest: seen?.package.digest ?? '' })}>
          {install.isPending ? 'Installing…' : seen?.previous_version == null ? 'Install' : `Install ${seen.package.version}`}
        </button>
      </div>
    </Dialog>
  )
}

function WouldDo({ seen }: { seen: PackageInstalled }) {
  const { package: of } = seen
  return (
    <div className="would-do">
      <div>
        <h3>
          {of.title} <span className="mono muted">{of.version}</span>
        </h3>
        <p className="muted small">
          {of.author}, {of.licence}
          {of.sources.length > 0 && ` · for ${of.sources.join(', ')}`}
        </p>
      </div>
      <p>{of.description}</p>
      <p className="small">
        {seen.previous_version == null ? 'It is new here.' : seen.previous_version === of.version ? `Version ${of.version} is here already; it would be put in its place.` : `It takes the place of version ${seen.previous_version}.`} Every test passes.
      </p>
      <Ids what="added" ids={seen.added} />
      <Ids what="changed" ids={seen.changed} note="What you tuned of them stays." />
      <Ids what="removed" ids={seen.removed} />
      <FileChanges files={seen.files ?? []} leftOff={seen.files_left_off ?? 0} />
      {seen.problems.length > 0 && (
        <ul className="would-problems warn small">
          {seen.problems.map((problem, at) => (
            <li key={at}>
              {problem.rule != null && <strong>{problem.rule}: </strong>}
              <Words text={problem.message} />
              <span className="muted block mono">{[problem.file, placeText(problem)].filter(Boolean).join(' · ')}</span>
            </li>
          ))}
        </ul>
      )}
      {of.needs_configuration && <p className="banner warning">Its rules stay off until you fill in its variables: {of.variables.map((variable) => variable.name).join(', ')}.</p>}
      <p className="small digest">
        <span className="muted">Digest</span> <code className="wrap">{of.digest}</code>
      </p>
    </div>
  )
}

function Ids({ what, ids, note }: { what: string; ids: string[]; note?: string }) {
  if (ids.length === 0) return null
  return (
    <details className="ids">
      <summary>
        {ids.length} {ids.length === 1 ? 'rule' : 'rules'} {what}
        {note !== undefined && <span className="muted"> · {note}</span>}
      </summary>
      <ul className="mono small">
        {ids.map((id) => (
          <li key={id}>{id}</li>
        ))}
      </ul>
    </details>
  )
}
