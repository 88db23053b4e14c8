import { useNavigate } from '@tanstack/react-router'
import { ChevronsUpDown } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useSigned } from '../session/me'

/** The account that the page is about, and the way to another for members of several. */
export function AccountSwitch() {
  const { me, account } = useSigned()
  const choose = useSwitchAccount()
  const title = me.memberships.find((membership) => membership.account === account)?.title ?? account
  if (me.memberships.length < 2) {
    return (
      <span className="account" title={`Account ${account}`}>
        {title}
      </span>
    )
  }
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="account account-switch" aria-label={`Account: ${title}. Switch`}>
        <span>{title}</span> <ChevronsUpDown size={12} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" sideOffset={6}>
          <DropdownMenu.Label className="menu-label">Account</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={account} onValueChange={choose}>
            {me.memberships.map((membership) => (
              <DropdownMenu.RadioItem key={membership.account} value={membership.account} className="menu-item">
                <span>{membership.title}</span>
                {membership.title !== membership.account && <span className="muted small mono">{membership.account}</span>}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

/** Goes to the same page of another account, without what was open or searched on it. */
export function useSwitchAccount(): (account: string) => void {
  const { me } = useSigned()
  const navigate = useNavigate()
  return (account) => void navigate({ to: '.', search: { account: account === me.account ? undefined : account } })
}
