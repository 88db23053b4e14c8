import { useNavigate } from '@tanstack/react-router'
import { History, LogOut, ShieldCheck } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useSigned } from '../session/me'
import { characters } from '../ui/characters'

/** The first letters of what people are called. */
export function initials(name: string): string {
  const words = name.split(/[\s._@-]+/).filter(Boolean)
  const letters = words.length > 1 && !name.includes('@') ? [words[0], words.at(-1)] : [words[0]]
  return letters.map((word) => characters(word ?? '')[0] ?? '').join('').toUpperCase()
}

export function UserMenu({ onSignOut }: { onSignOut: () => void }) {
  const { me, account } = useSigned()
  const navigate = useNavigate()
  const called = me.user.display_name === '' ? me.user.name : me.user.display_name
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="avatar-button" aria-label={`You: ${me.user.name}`}>
        <span className="avatar" aria-hidden>
          {initials(called)}
        </span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu user-menu" align="end" sideOffset={6}>
          <DropdownMenu.Label className="menu-label">
            <strong>{called}</strong>
            {called !== me.user.name && <span>{me.user.name}</span>}
            <span>
              {account === me.account && `${me.user.role} · `}account {account}
            </span>
          </DropdownMenu.Label>
          <DropdownMenu.Separator className="menu-separator" />
          <DropdownMenu.Item className="menu-item" onSelect={() => void navigate({ to: '/me/activity' })}>
            <History size={14} aria-hidden /> My activity
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={() => void navigate({ to: '/me/security' })}>
            <ShieldCheck size={14} aria-hidden /> Security
            <span className="menu-note">password, second factor, tokens</span>
          </DropdownMenu.Item>
          <DropdownMenu.Separator className="menu-separator" />
          <DropdownMenu.Item className="menu-item" onSelect={onSignOut}>
            <LogOut size={14} aria-hidden /> Sign out
          </DropdownMenu.Item>
          <DropdownMenu.Label className="menu-label menu-foot">whodid {me.version}</DropdownMenu.Label>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
