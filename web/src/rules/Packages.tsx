/** Packages: rules that came together, switched together, with values that the account fills in. */
import { Link } from '@tanstack/react-router'
import { FolderSync, Package, Plus, Upload } from 'lucide-react'
import { useState } from 'react'
import { rules, type KnownPackage } from '../api/rules'
import type { PackageSummary } from '../api/shapes'
import { useChange } from '../session/change'
import { useSigned } from '../session/me'
import { historyOf } from '../settings/History'
import { Tab, useTab } from '../settings/Tab'
import { ChangeError } from '../ui/Confirm'
import { Empty } from '../ui/Empty'
import { useRowsLeave } from '../ui/focus'
import { Loaded } from '../ui/Loaded'
import { notify } from '../ui/notice'
import { Words } from '../ui/Words'
import { InstallPackage } from './InstallPackage'
import { PackageSide } from './PackageSide'
import { usePackages, useRulesAgain } from './queries'
import { StorageProblems } from './StorageProblems'
import { isUnfilled, lookedText, makersText } from './words'

export function PackagesTab() {
  const { rights } = useSigned()
  const { open, setOpen } = useTab()
  const packages = usePackages()
  const [isInstalling, setIsInstalling] = useState(false)
  useRowsLeave(packages.data?.packages.length)
  const again = useRulesAgain()
  const look = useChange({
    mutationFn: () => rules.refreshPackages(),
    onSuccess: (now) => {
      notify(lookedText(packages.data, now))
      again()
    },
  })
  const opened = packages.data?.packages.find((one) => one.id === open)
  return (
    <>
      <Tab
        title="Packages"
        lead="Rules that come together, with their tests. What you tune of a rule stays when its package is upgraded."
        need={['rules.read']}
        history={historyOf(['package'])}
        action={
          rights.may('rules.manage') && (
            <>
              <button type="button" className="button" title="Looks for rule files in the account’s bucket, which happens by itself every minute" disabled={look.isPending} onClick={() => look.mutate()}>
                <FolderSync size={14} aria-hidden /> {look.isPending ? 'Looking…' : 'Look now'}
              </button>
              <Link to="/rules/packages/new" className="button">
                <Plus size={14} aria-hidden /> New package
              </Link>
              <button type="button" className="button primary" onClick={() => setIsInstalling(true)}>
                <Upload size={14} aria-hidden /> Install a package
              </button>
            </>
          )
        }
      >
        <ChangeError error={look.error} />
        <Loaded query={packages}>
          {(list) => (
            <>
              <StorageProblems problems={list.problems} />
              {list.packages.length === 0 ? (
                <Empty Icon={Package} title="No packages">
                  <p>Install one: an archive with rules, their tests and a manifest.</p>
                </Empty>
              ) : (
                <PackageTable packages={list.packages} open={open} onOpen={setOpen} />
              )}
            </>
          )}
        </Loaded>
        {open !== undefined && packages.isSuccess && !packages.isFetching && !opened && (
          <p className="banner" role="status">
            No package has the id in the address: it is removed.
          </p>
        )}
        {isInstalling && <InstallPackage onClose={() => setIsInstalling(false)} />}
      </Tab>
      {opened && <PackageSide key={opened.id} of={opened} onClose={() => setOpen(undefined)} />}
    </>
  )
}

function PackageTable({ packages, open, onOpen }: { packages: KnownPackage[]; open: string | undefined; onOpen: (id: string) => void }) {
  return (
    <table className="page-table packages-table" aria-label="Packages">
      <thead>
        <tr>
          <th scope="col">Runs</th>
          <th scope="col">Package</th>
          <th scope="col">Sources</th>
          <th scope="col" className="number">
            Rules
          </th>
          <th scope="col">Variables</th>
          <th scope="col">Version</th>
        </tr>
      </thead>
      <tbody>
        {packages.map((one) => (
          <tr key={one.id} className={`clickable${one.is_enabled ? '' : ' dimmed'}${open === one.id ? ' chosen' : ''}`} onClick={() => onOpen(one.id)}>
            <td className="rule-runs" onClick={(event) => event.stopPropagation()}>
              <PackageSwitch of={one} />
            </td>
            <th scope="row">
              <span className="rule-name">
                <button
                  type="button"
                  className="row-link"
                  onClick={(event) => {
                    event.stopPropagation()
                    onOpen(one.id)
                  }}
                >
                  {one.title}
                </button>
                {!one.is_builtin && <span className="tag tag-accent">{one.file == null ? 'installed' : 'from the bucket'}</span>}
                {one.problem != null && (
                  <span className="tag tag-bad" title={one.problem}>
                    cannot be read
                  </span>
                )}
              </span>
              <span className="rule-what">{one.description}</span>
              {one.problem != null && <span className="package-problem"><Words text={one.problem} /></span>}
            </th>
            <td data-label="Sources">{one.sources.length === 0 ? <span className="muted">every source</span> : <span className="tags">{one.sources.map((source) => <span key={source} className="tag mono">{source}</span>)}</span>}</td>
            <td data-label="Rules" className="number">
              <Link to="/rules" search={{ package: one.id }} className="row-link" aria-label={`${one.rules} rules of ${one.title}`} onClick={(event) => event.stopPropagation()}>
                {one.rules}
              </Link>
            </td>
            <td data-label="Variables" className={one.variables.length === 0 ? 'is-none' : undefined}>
              {one.variables.length === 0 ? (
                <span className="muted">none</span>
              ) : isUnfilled(one) ? (
                <span className={`tag ${one.needs_configuration ? 'tag-bad' : 'tag-warn'}`}>{one.needs_configuration ? 'to be filled in' : 'some are empty'}</span>
              ) : one.variables.every((variable) => variable.is_default) ? (
                `${one.variables.length}, as they came`
              ) : (
                `${one.variables.length}, filled in`
              )}
            </td>
            <td data-label="Version" className="package-version">
              <span className="stacked">
                <span className="mono">{one.version}</span>
                <span className="muted small">{makersText(one)}</span>
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

export function PackageSwitch({ of }: { of: PackageSummary }) {
  const { rights } = useSigned()
  const again = useRulesAgain()
  const change = useChange({
    mutationFn: (isEnabled: boolean) => rules.updatePackage(of.id, { is_enabled: isEnabled }),
    onSuccess: (now) => {
      again()
      notify(`“${now.title}” is ${now.is_enabled ? 'on' : 'off'}`)
    },
    onError: (error) => notify(error.message),
  })
  const reason = rights.may('rules.manage') ? undefined : 'Needs rules.manage'
  return (
    <input
      type="checkbox"
      role="switch"
      className="switch"
      aria-label={`Run the rules of “${of.title}”`}
      title={reason ?? (of.is_enabled ? 'Its rules run' : 'None of its rules runs')}
      checked={change.isPending ? change.variables : of.is_enabled}
      disabled={reason !== undefined}
      aria-busy={change.isPending}
      // Not disabled meanwhile: that would take the focus away.
      onChange={(event) => !change.isPending && change.mutate(event.target.checked)}
    />
  )
}
