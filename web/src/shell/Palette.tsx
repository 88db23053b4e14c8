/** Everything that can be gone to or done, found by typing. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { FOUND } from '../activity/preset'
import { PRESETS } from '../activity/time'
import { Dialog } from '../ui/Dialog'
import { copyText } from '../ui/notice'
import { setPref } from '../ui/prefs'
import { useSigned } from '../session/me'
import { maySee, READS_EVENTS, type Place } from '../session/rights'
import { TABS } from '../settings/tabs'
import { useSwitchAccount } from './AccountSwitch'
import { lastActivity } from './lastActivity'

interface Command {
  group: string
  label: string
  run: () => void
}

const PAGES: readonly [string, Place][] = [['Home', '/'], ['Activity', '/activity'], ['Insights', '/insights'], ['Alerts', '/alerts'], ['Rules', '/rules'], ['Audit log', '/audit'], ['Rejects', '/rejects'], ['Keys', '/settings/keys'], ['Settings', '/settings'], ['My activity', '/me/activity']]

export function Palette({ onClose, onHelp, onSignOut }: { onClose: () => void; onHelp: () => void; onSignOut: () => void }) {
  const [typed, setTyped] = useState('')
  const [active, setActive] = useState(0)
  const navigate = useNavigate()
  const client = useQueryClient()
  const list = useId()
  const { me, rights, account } = useSigned()
  const switchAccount = useSwitchAccount()

  const to = (search: Record<string, string | undefined>) => () => void navigate({ to: '/activity', search: { ...lastActivity(), ...search } })
  const reads = rights.mayAny(READS_EVENTS)
  const searches: Command[] = [
    { group: 'Show', label: 'Failed and refused', run: to({ q: 'outcome:==failure', event: undefined }) },
    { group: 'Show', label: 'Changes only (writes)', run: to({ q: 'access:==write', event: undefined }) },
    { group: 'Show', label: 'Critical severity', run: to({ q: 'severity:==critical', event: undefined }) },
    { group: 'Show', label: 'Everything: clear the query', run: to({ q: undefined, event: undefined }) },
    ...PRESETS.map((preset) => ({ group: 'Time', label: preset.label, run: to({ from: preset.from, to: undefined }) })),
    { group: 'Do', label: 'Follow live events', run: to({ live: '1', to: undefined }) },
  ]
  const commands: Command[] = [
    ...PAGES.filter(([, place]) => maySee(rights, place)).map(([label, place]) => ({ group: 'Go to', label, run: () => void navigate({ to: place, search: lastActivity(place) }) })),
    { group: 'Go to', label: 'Security: password, second factor, tokens', run: () => void navigate({ to: '/me/security' }) },
    ...(reads ? [{ group: 'Show', label: 'Findings', run: () => void navigate({ to: '/activity', search: { stream: 'findings', q: FOUND, from: 'now-7d' } }) }] : []),
    ...(rights.seesAllEvents ? [{ group: 'Insights', label: 'Insights that go on', run: () => void navigate({ to: '/insights', search: { state: 'open' } }) }, { group: 'Insights', label: 'Settings of insights: kinds, sensitivity, learning', run: () => void navigate({ to: '/insights/settings' }) }] : []),
    ...(rights.may('rules.read') ? [{ group: 'Insights', label: 'What is expected from now on', run: () => void navigate({ to: '/insights/expected' }) }] : []),
    ...(rights.may('alerts.read') ? [{ group: 'Alerts', label: 'Alerts given to me', run: () => void navigate({ to: '/alerts', search: { assignee: 'me' } }) }, { group: 'Alerts', label: 'Alerts on searches, presets', run: () => void navigate({ to: '/alerts/searches' }) }, { group: 'Alerts', label: 'Silences', run: () => void navigate({ to: '/alerts/silences' }) }] : []),
    ...(rights.may('rules.read') ? [{ group: 'Rules', label: 'Rule packages', run: () => void navigate({ to: '/rules/packages' }) }, { group: 'Rules', label: 'Exceptions from rules', run: () => void navigate({ to: '/rules/exceptions' }) }] : []),
    ...(rights.may('rules.manage') ? [{ group: 'Rules', label: 'New rule', run: () => void navigate({ to: '/rules/new' }) }] : []),
    ...TABS.filter((tab) => tab.isSeen(rights)).map((tab) => ({ group: 'Settings', label: tab.label, run: () => void navigate({ to: tab.to }) })),
    ...(rights.may('users.read') ? [{ group: 'Settings', label: 'Access review', run: () => void navigate({ to: '/settings/access-review' }) }] : []),
    ...(me.memberships.length > 1 ? me.memberships.filter((membership) => membership.account !== account).map((membership) => ({ group: 'Switch', label: `Account ${membership.title}`, run: () => switchAccount(membership.account) })) : []),
    ...(reads ? searches : []),
    { group: 'Do', label: 'Copy a link to this page', run: () => void copyText(window.location.href, 'Link') },
    { group: 'Do', label: 'Load again', run: () => void client.invalidateQueries() },
    { group: 'Look', label: 'Light theme', run: () => setPref('theme', 'light') },
    { group: 'Look', label: 'Dark theme', run: () => setPref('theme', 'dark') },
    { group: 'Look', label: 'Theme of the system', run: () => setPref('theme', 'system') },
    { group: 'Look', label: 'Times in UTC', run: () => setPref('zone', 'utc') },
    { group: 'Look', label: 'Times in local zone', run: () => setPref('zone', 'local') },
    { group: 'Look', label: 'Compact rows', run: () => setPref('density', 'compact') },
    { group: 'Look', label: 'Comfortable rows', run: () => setPref('density', 'comfortable') },
    { group: 'Help', label: 'Keyboard shortcuts', run: onHelp },
    { group: 'Account', label: 'Sign out', run: onSignOut },
  ]
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const found = commands.filter((command) => words.every((word) => `${command.group} ${command.label}`.toLowerCase().includes(word)))
  // What is no command is a search, or an event's id.
  const free = typed.trim()
  if (free !== '' && reads) {
    if (/^[a-z0-9_-]+:\d+$/.test(free)) found.unshift({ group: 'Open', label: `Event ${free}`, run: to({ event: free }) })
    found.push({ group: 'Search', label: `Events with “${free}”`, run: to({ q: free, event: undefined }) })
  }
  const index = Math.min(active, found.length - 1)

  const run = (command: Command | undefined): void => {
    if (!command) return
    onClose()
    command.run()
  }
  return (
    <Dialog title="Go to or do" hideTitle onClose={onClose} className="palette">
      <input
        className="palette-input"
        role="combobox"
        aria-label="Go to or do"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={index >= 0 ? `${list}-${index}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder="Type a page, an action, a search or an event’s id"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value)
          setActive(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setActive((index + 1) % found.length)
          else if (event.key === 'ArrowUp') setActive((index - 1 + found.length) % found.length)
          else if (event.key === 'Enter') run(found[index])
          else return
          event.preventDefault()
        }}
      />
      <ul className="palette-list" id={list} role="listbox" aria-label="Commands">
        {found.map((command, at) => (
          <li
            key={`${command.group} ${command.label}`}
            id={`${list}-${at}`}
            role="option"
            aria-selected={at === index}
            ref={at === index ? (element) => element?.scrollIntoView({ block: 'nearest' }) : undefined}
            onPointerMove={() => setActive(at)}
            onClick={() => run(command)}
          >
            <span className="palette-group">{command.group}</span>
            {command.label}
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
