/** What differs between a package and the installed one, file by file, as lines that come and go. */
import { useMemo } from 'react'
import type { PackageFileChange } from '../api/shapes'
import { lineDifference } from './lineDifference'

const SIGNS = { added: '+', removed: '−', same: ' ', gap: '⋯' }
const WORDS = { added: 'added: ', removed: 'removed: ', same: '', gap: '' }

export function FileChanges({ files, leftOff }: { files: PackageFileChange[]; leftOff: number }) {
  if (files.length === 0 && leftOff === 0) return null
  return (
    <div className="file-changes">
      {files.map((change) => (
        <FileChange key={change.path} change={change} isOpen={files.length === 1} />
      ))}
      {leftOff > 0 && <p className="muted small">{leftOff === 1 ? 'One more file differs' : `${leftOff} more files differ`}; too much to show here.</p>}
    </div>
  )
}

function FileChange({ change, isOpen }: { change: PackageFileChange; isOpen: boolean }) {
  const { path, before, after } = change
  const lines = useMemo(() => lineDifference(before ?? '', after ?? ''), [before, after])
  const count = (kind: 'added' | 'removed'): number => (lines ?? []).filter((line) => line.kind === kind).length
  return (
    <details className="file-change" open={isOpen}>
      <summary>
        <span className="mono wrap">{path}</span> <span className="muted small">{before === undefined ? 'is new' : after === undefined ? 'goes' : 'differs'}</span>{' '}
        {lines !== undefined && (
          <span className="small">
            <span className="good">+{count('added')}</span> <span className="bad">−{count('removed')}</span>
          </span>
        )}
      </summary>
      {lines === undefined && <p className="muted small">Too many lines differ to be shown here.</p>}
      <div className="difference mono" tabIndex={0} role="group" aria-label={`Lines of ${path} that differ`}>
        {(lines ?? []).map((line, at) => (
          <div key={at} className={`difference-line is-${line.kind}`}>
            <span aria-hidden>{SIGNS[line.kind]}</span>
            <span>
              <span className="visually-hidden">{WORDS[line.kind]}</span>
              {line.text}
            </span>
          </div>
        ))}
      </div>
    </details>
  )
}
