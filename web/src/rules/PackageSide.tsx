/** One package: what it is, what the account fills in, its archive. */
import { Link } from '@tanstack/react-router'
import { Copy, Download, Pencil, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { archiveAddress, rules, type KnownPackage } from '../api/rules'
import { useSigned } from '../session/me'
import { Side } from '../settings/Side'
import { Confirm } from '../ui/Confirm'
import { copyText, notify } from '../ui/notice'
import { Words } from '../ui/Words'
import { PackageSwitch } from './Packages'
import { useRulesAgain } from './queries'
import { Variables } from './Variables'
import { makersText } from './words'

export function PackageSide({ of, onClose }: { of: KnownPackage; onClose: () => void }) {
  const { rights } = useSigned()
  const again = useRulesAgain()
  const [isDeleting, setIsDeleting] = useState(false)
  const mayManage = rights.may('rules.manage')
  const empty = of.variables.filter((variable) => variable.values.length === 0)
  return (
    <Side label="Package" title={of.title} sub={<span className="mono">{of.id}</span>} onClose={onClose}>
      <section>
        <p>{of.description}</p>
        <div className="switch-line">
          <PackageSwitch of={of} />
          <span>
            {of.is_enabled ? 'Its rules run' : 'None of its rules runs'} ·{' '}
            <Link to="/rules" search={{ package: of.id }}>
              {of.rules} {of.rules === 1 ? 'rule' : 'rules'}
            </Link>
          </span>
        </div>
        {of.problem != null && <p className="banner warning">The file as it is now cannot be used, so the package stays what the file was before. <Words text={of.problem} /></p>}
        {of.needs_configuration && !of.is_enabled && (
          <p className="banner warning">It stays off until its variables are filled in{empty.length > 0 ? `: ${empty.map((variable) => variable.name).join(', ')}` : ''}. Then switch it on.</p>
        )}
        {!of.needs_configuration && empty.length > 0 && <p className="muted small">Rules that need an empty variable stay off until it is filled in; the others run.</p>}
      </section>
      {of.variables.length > 0 && (
        <section>
          <h3>Variables</h3>
          <Variables key={JSON.stringify(of.variables)} of={of} mayManage={mayManage} />
        </section>
      )}
      <section>
        <h3>The package</h3>
        <dl className="rule-facts">
          <div>
            <dt>Version</dt>
            <dd className="mono">{of.version}</dd>
          </div>
          <div>
            <dt>Written by</dt>
            <dd>{makersText(of)}</dd>
          </div>
          <div>
            <dt>Sources</dt>
            <dd>{of.sources.length === 0 ? 'every source' : of.sources.join(', ')}</dd>
          </div>
          <div>
            <dt>Came</dt>
            <dd>
              {of.is_builtin ? (
                'with whodid'
              ) : of.file == null ? (
                'by being installed'
              ) : (
                <>
                  from the file <span className="mono wrap">{of.file}</span>
                </>
              )}
            </dd>
          </div>
          <div>
            <dt>Digest</dt>
            <dd className="digest">
              <code className="wrap">{of.digest}</code>
              <button type="button" className="icon-button small" aria-label="Copy the digest" title="Copy" onClick={() => void copyText(of.digest, 'Digest')}>
                <Copy size={13} aria-hidden />
              </button>
            </dd>
          </div>
        </dl>
        <div className="deeds">
          <a className="button" href={archiveAddress(of.id)} download>
            <Download size={14} aria-hidden /> Download
          </a>
          {mayManage && !of.is_builtin && of.file == null && (
            <Link to="/rules/packages/edit/$id" params={{ id: of.id }} className="button">
              <Pencil size={14} aria-hidden /> Edit
            </Link>
          )}
          {mayManage && !of.is_builtin && of.file == null && (
            <button type="button" className="button danger" onClick={() => setIsDeleting(true)}>
              <Trash2 size={14} aria-hidden /> Remove
            </button>
          )}
        </div>
        {of.is_builtin && <p className="muted small">It came with whodid and can be switched off, not removed.</p>}
        {of.file != null && <p className="muted small">The file is changed and removed in the bucket, and the package follows it within a minute. Here it can be switched off, and its rules tuned.</p>}
      </section>
      {isDeleting && (
        <Confirm
          title={`Remove “${of.title}”`}
          action="Remove"
          change={() => rules.deletePackage(of.id)}
          onDone={() => {
            notify(`“${of.title}” is removed`)
            onClose()
            again()
          }}
          onClose={() => setIsDeleting(false)}
        >
          <p>
            Its {of.rules} {of.rules === 1 ? 'rule stops' : 'rules stop'} at once, and the values of its variables are forgotten. Download it first to be able to install it again.
          </p>
        </Confirm>
      )}
    </Side>
  )
}
