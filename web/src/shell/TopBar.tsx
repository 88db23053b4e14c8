import { Link } from '@tanstack/react-router'
import { CircleHelp, KeyRound, Monitor, Moon, Search, Sun } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { zoneName } from '../activity/time'
import { useSigned } from '../session/me'
import { setPref, usePrefs, type Prefs } from '../ui/prefs'
import { AccountSwitch } from './AccountSwitch'
import { UserMenu } from './UserMenu'

const THEMES: readonly { value: Prefs['theme']; label: string; Icon: typeof Sun }[] = [
  { value: 'system', label: 'System', Icon: Monitor },
  { value: 'light', label: 'Light', Icon: Sun },
  { value: 'dark', label: 'Dark', Icon: Moon },
]

export function TopBar({ onPalette, onHelp, onSignOut }: { onPalette: () => void; onHelp: () => void; onSignOut: () => void }) {
  const prefs = usePrefs()
  const { me } = useSigned()
  const theme = THEMES.find((candidate) => candidate.value === prefs.theme) ?? THEMES[0]
  return (
    <header className="topbar">
      <Link to="/" className="brand" aria-label="whodid, to the first page">
        <img src="/favicon.svg" alt="" width={22} height={22} />
        <span>whodid</span>
      </Link>
      <AccountSwitch />
      <button type="button" className="palette-button" onClick={onPalette}>
        <Search size={14} aria-hidden />
        <span>Go to or do…</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="topbar-end">
        {me.needs.includes('set_password') && (
          <Link to="/me/security" className="button small attention">
            <KeyRound size={13} aria-hidden /> Set a password
          </Link>
        )}
        <button
          type="button"
          className="button quiet zone-button"
          onClick={() => setPref('zone', prefs.zone === 'utc' ? 'local' : 'utc')}
          aria-label={`Times are in ${zoneName(prefs.zone)}. Switch to ${prefs.zone === 'utc' ? 'local time' : 'UTC'}`}
        >
          {zoneName(prefs.zone)}
        </button>
        <DropdownMenu.Root modal={false}>
          <DropdownMenu.Trigger className="icon-button" aria-label={`Theme: ${theme?.label ?? ''}`}>
            {theme && <theme.Icon size={16} aria-hidden />}
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
              <DropdownMenu.RadioGroup value={prefs.theme} onValueChange={(value) => setPref('theme', value as Prefs['theme'])}>
                {THEMES.map(({ value, label, Icon }) => (
                  <DropdownMenu.RadioItem key={value} value={value} className="menu-item">
                    <Icon size={14} aria-hidden /> {label}
                  </DropdownMenu.RadioItem>
                ))}
              </DropdownMenu.RadioGroup>
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
        <button type="button" className="icon-button hide-phone" aria-label="Keyboard shortcuts" onClick={onHelp}>
          <CircleHelp size={16} aria-hidden />
        </button>
        <UserMenu onSignOut={onSignOut} />
      </div>
    </header>
  )
}
