/** A package of one's own, written here: its files, what they come to, what would differ, and putting it into force. */
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ChevronLeft, CircleCheck, CircleX, FilePlus, LoaderCircle, Trash2, TriangleAlert } from 'lucide-react'
import { useId, useMemo, useRef, useState } from 'react'
import { rules, type Files, type KnownPackage } from '../api/rules'
import { isRefusal } from '../api/problem'
import type { PackageCheck } from '../api/shapes'
import { useChange } from '../session/change'
import { Gate } from '../session/Gate'
import { ChangeError } from '../ui/Confirm'
import { useSettled } from '../ui/hooks'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { Unsaved } from '../ui/Unsaved'
import { Words } from '../ui/Words'
import { FileChanges } from './FileChanges'
import { BEGIN, fileOf, MANIFEST, ordered, pathProblem, raised } from './packageFiles'
import { lineProblems, problemLine } from './problemLines'
import { usePackageFiles, usePackages, useRulesAgain } from './queries'
import { YamlEditor, type EditorHandle } from './YamlEditor'

const route = getRouteApi('/shell/rules/packages/edit/$id')
const SETTLE_MS = 500

export function NewPackagePage() {
  return (
    <Page title="New package" lead="Rules that come together, with their tests and with values that an account fills in. Nothing runs until you install it.">
      <Editor begin={BEGIN} of={undefined} />
    </Page>
  )
}

export function EditPackagePage() {
  const { id } = route.useParams()
  const packages = usePackages()
  const files = usePackageFiles(id)
  return (
    <Page title="Edit a package" lead="What you tuned of its rules, and the values of its variables, stay.">
      <Loaded query={packages}>
        {(list) => {
          const of = list.packages.find((one) => one.id === id)
          if (!of) return <p className="banner" role="status">No package has the id in the address: it is removed.</p>
          if (of.is_builtin || of.file != null) return <p className="banner" role="status">{of.is_builtin ? 'This package came with whodid and changes with it. Copy single rules of it instead: a copy is your own.' : 'This package is made of a file in the account’s bucket, and is changed there.'}</p>
          return <Loaded query={files}>{(content) => <Editor key={id} begin={content.files} of={of} digest={content.digest} />}</Loaded>
        }}
      </Loaded>
    </Page>
  )
}

function Page({ title, lead, children }: { title: string; lead: string; children: React.ReactNode }) {
  return (
    <Gate need={['rules.manage']}>
      <div className="page rule-page">
        <Link to="/rules/packages" search={{}} className="back-link">
          <ChevronLeft size={14} aria-hidden /> Packages
        </Link>
        <header className="page-head">
          <h1>{title}</h1>
          <p className="muted">{lead}</p>
        </header>
        {children}
      </div>
    </Gate>
  )
}

/** What the server says of the files while they are written. */
function useFilesCheck(files: Files) {
  const settled = useSettled(files, SETTLE_MS)
  const check = useQuery({ queryKey: ['package-check', settled], queryFn: ({ signal }) => rules.checkPackage(settled, signal), placeholderData: keepPreviousData, retry: false, gcTime: 60_000 })
  return { check: check.data, error: check.error, isCurrent: settled === files && !check.isPlaceholderData && !check.isFetching, again: () => void check.refetch() }
}

function Editor({ begin: given, of: asked, digest: at }: { begin: Files; of: KnownPackage | undefined; digest?: string }) {
  const id = useId()
  const navigate = useNavigate()
  const again = useRulesAgain()
  const editor = useRef<EditorHandle>(null)
  // What it was written on: the server may have another by now, and says so when this is installed.
  const [begin] = useState(given)
  const [of] = useState(asked)
  const [digest] = useState(at)
  const [files, setFiles] = useState(begin)
  const [path, setPath] = useState(() => ordered(begin)[asked === undefined ? 0 : 1] ?? MANIFEST)
  const checked = useFilesCheck(files)
  const { check } = checked
  const isChanged = useMemo(() => JSON.stringify(files) !== JSON.stringify(begin), [files, begin])
  const text = files[path] ?? ''
  const packageId = check?.package.id ?? of?.id ?? ''
  const lines = useMemo(() => (checked.isCurrent ? lineProblems(text, (check?.problems ?? []).filter((problem) => fileOf(problem.file, packageId, files) === path)) : []), [checked.isCurrent, text, check, packageId, files, path])
  const wrong = useMemo(() => new Set((check?.problems ?? []).filter((problem) => problem.gravity === 'error').map((problem) => fileOf(problem.file, packageId, files))), [check, packageId, files])
  const save = useChange({
    mutationFn: () => rules.installFiles(files, { replaces: digest !== undefined && check?.package.id === of?.id ? digest : 'none' }),
    onSuccess: (done) => {
      again()
      notify(`“${done.package.title}” ${done.package.version} is installed`)
      void navigate({ to: '/rules/packages', search: { open: done.package.id }, ignoreBlocker: true })
    },
  })
  const write = (next: string): void => setFiles((now) => ({ ...now, [path]: next }))
  const isSameVersion = of !== undefined && isChanged && check?.package.version === of.version
  return (
    <>
      <Unsaved isChanged={isChanged} what="Changes to the files of the package" />
      <div className="rule-columns">
        <div className="rule-main">
          <section className="panel rule-text" aria-labelledby={`${id}-head`}>
            <div className="panel-head">
              <h2 id={`${id}-head`}>Files</h2>
              <span className="muted small">Tab indents; Esc, then Tab, leaves the text.</span>
            </div>
            <div inert={save.isPending}>
              <FileTabs files={files} path={path} wrong={wrong} onOpen={setPath} onFiles={setFiles} />
            </div>
            <YamlEditor ref={editor} key={path} label={`Text of ${path}`} value={text} onChange={save.isPending ? undefined : write} problems={lines} describedBy={`${id}-problems`} />
            <Verdict id={`${id}-problems`} checked={checked} files={files} onGoTo={(file, line) => {
              setPath(file)
              // The file is shown first.
              requestAnimationFrame(() => editor.current?.goTo(line))
            }} />
            <ChangeError error={save.error} />
            <div className="button-row rule-save">
              {isSameVersion && !save.isPending && (
                <button type="button" className="link-button" onClick={() => setFiles((now) => ({ ...now, [MANIFEST]: raised(now[MANIFEST] ?? '') }))}>
                  Raise the version above {of.version}
                </button>
              )}
              <span className="package-ends">
                <Link to="/rules/packages" search={{}} className="button">
                  Cancel
                </Link>
                <button type="button" className="button primary" disabled={save.isPending || !checked.isCurrent || checked.error !== null || check === undefined || check.refusal !== undefined || (of !== undefined && !isChanged)} onClick={() => save.mutate()}>
                  {save.isPending ? 'Installing…' : check === undefined ? 'Install' : `Install ${check.package.version}`}
                </button>
              </span>
            </div>
          </section>
        </div>
        <section className={`panel rule-side package-comes-to${checked.isCurrent ? '' : ' stale'}`} aria-labelledby={`${id}-comes-to`}>
          <div className="panel-head">
            <h2 id={`${id}-comes-to`}>What it comes to</h2>
          </div>
          {check === undefined ? <p className="empty-line">{checked.error ? 'What is wrong is said below the text.' : 'The rules are read and the tests run…'}</p> : <ComesTo check={check} />}
        </section>
      </div>
    </>
  )
}

/** The files, one of them open; others are added, and all but the manifest removed. */
function FileTabs({ files, path, wrong, onOpen, onFiles }: { files: Files; path: string; wrong: ReadonlySet<string>; onOpen: (path: string) => void; onFiles: (next: Files) => void }) {
  const [name, setName] = useState<string | undefined>()
  const problem = name === undefined ? undefined : pathProblem(name.trim(), files)
  const add = (): void => {
    if (name === undefined || problem !== undefined) return
    onFiles({ ...files, [name.trim()]: '' })
    onOpen(name.trim())
    setName(undefined)
  }
  return (
    <div className="package-files">
      <ul aria-label="Files of the package">
        {ordered(files).map((one) => (
          <li key={one}>
            <button type="button" className="package-file mono" aria-current={one === path ? 'true' : undefined} onClick={() => onOpen(one)}>
              {one}
              {wrong.has(one) && <CircleX size={12} className="bad" aria-label="has mistakes" />}
            </button>
          </li>
        ))}
      </ul>
      {name === undefined ? (
        <div className="button-row">
          <button type="button" className="button small" onClick={() => setName('rules/')}>
            <FilePlus size={13} aria-hidden /> Add a file
          </button>
          {path !== MANIFEST && (
            <button
              type="button"
              className="button small"
              onClick={() => {
                onFiles(Object.fromEntries(Object.entries(files).filter(([one]) => one !== path)))
                onOpen(MANIFEST)
              }}
            >
              <Trash2 size={13} aria-hidden /> Remove {path}
            </button>
          )}
        </div>
      ) : (
        <form
          className="button-row"
          onSubmit={(event) => {
            event.preventDefault()
            add()
          }}
        >
          <input className="input mono" aria-label="Name of the file" aria-invalid={problem !== undefined && name !== 'rules/'} value={name} autoFocus onChange={(event) => setName(event.target.value)} onKeyDown={(event) => event.key === 'Escape' && setName(undefined)} />
          <button type="submit" className="button small primary" disabled={problem !== undefined}>
            Add
          </button>
          <button type="button" className="button small" onClick={() => setName(undefined)}>
            Cancel
          </button>
          {problem !== undefined && name !== 'rules/' && <span className="bad small">{problem}</span>}
        </form>
      )}
    </div>
  )
}

function Verdict({ id, checked, files, onGoTo }: { id: string; checked: ReturnType<typeof useFilesCheck>; files: Files; onGoTo: (file: string, line: number) => void }) {
  const { check, error, isCurrent, again } = checked
  const problems = check?.problems ?? []
  const failed = check?.tests.filter((test) => !test.passed).length ?? 0
  return (
    <div className="yaml-problems" id={id}>
      <p className="yaml-verdict small" role="status">
        {error ? (
          <span className="bad">
            <CircleX size={13} aria-hidden /> <Words text={error.message} />{' '}
            {!isRefusal(error) && (
              <button type="button" className="link-button" onClick={again}>
                Try again
              </button>
            )}
          </span>
        ) : !isCurrent || check === undefined ? (
          <span className="muted">
            <LoaderCircle size={13} className="spinning" aria-hidden /> Checking…
          </span>
        ) : check.refusal !== undefined ? (
          <span className="bad">
            <CircleX size={13} aria-hidden /> It would be refused: <Words text={check.refusal} />
          </span>
        ) : problems.length > 0 ? (
          <span className="warn">
            <TriangleAlert size={13} aria-hidden /> It can be installed, with {problems.length === 1 ? 'one warning' : `${problems.length} warnings`}
          </span>
        ) : (
          <span className="good">
            <CircleCheck size={13} aria-hidden /> It can be installed{check.tests.length > 0 && failed === 0 ? '; every test passes' : ''}
          </span>
        )}
      </p>
      {!error && problems.length > 0 && (
        <ul aria-label="Problems">
          {problems.map((problem, at) => {
            const file = fileOf(problem.file, check?.package.id ?? '', files)
            const line = problemLine(files[file] ?? '', problem)
            return (
              <li key={at} className={problem.gravity === 'error' ? 'bad' : 'warn'}>
                <button type="button" className="link-button" onClick={() => onGoTo(file, line)}>
                  {file}, line {line}
                </button>
                <span>
                  <span className="visually-hidden">{problem.gravity === 'error' ? 'Mistake: ' : 'Warning: '}</span>
                  <Words text={problem.message} />
                </span>
              </li>
            )
          })}
        </ul>
      )}
    </div>
  )
}

function ComesTo({ check }: { check: PackageCheck }) {
  const { package: of, tests } = check
  const isNew = check.previous_version === undefined
  return (
    <div className="rule-part">
      <p>
        <strong>{of.title}</strong> <span className="mono muted">{of.id} {of.version}</span>
      </p>
      <p className="muted small">
        {of.author}, {of.licence} · {of.rules === 1 ? '1 rule' : `${of.rules} rules`}
        {of.variables.length > 0 && ` · ${of.variables.length === 1 ? '1 variable' : `${of.variables.length} variables`}`}
      </p>
      <h3>Tests</h3>
      {tests.length === 0 ? (
        <p className="muted small">There are none. Say under <code>tests:</code> of a rule which events must match and which must not.</p>
      ) : (
        <ul className="tests">
          {tests.map((test, at) => (
            <li key={at}>
              {test.passed ? <CircleCheck size={14} className="good" aria-label="passed" /> : <CircleX size={14} className="bad" aria-label="failed" />}
              <span>
                {test.name} <span className="mono muted small block">{test.rule_id}</span>
                {test.detail != null && <span className={`small block ${test.passed ? 'muted' : 'bad'}`}>{test.detail}</span>}
              </span>
            </li>
          ))}
        </ul>
      )}
      <h3>{isNew ? 'What comes' : `What differs from ${check.previous_version}`}</h3>
      {isNew ? (
        <p className="muted small">All of it is new: {check.added.join(', ')}</p>
      ) : check.files.length === 0 && check.files_left_off === 0 ? (
        <p className="muted small">Nothing differs yet.</p>
      ) : (
        <FileChanges files={check.files} leftOff={check.files_left_off} />
      )}
    </div>
  )
}
