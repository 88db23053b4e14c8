import { rules } from '../api/rules'
import type { RuleException } from '../api/shapes'
import { Confirm } from '../ui/Confirm'
import { notify } from '../ui/notice'
import { ConditionWords } from './ConditionWords'
import { useRulesAgain } from './queries'

export function DeleteException({ exception, onClose }: { exception: RuleException; onClose: () => void }) {
  const again = useRulesAgain()
  return (
    <Confirm
      title="Delete the exception"
      action="Delete"
      change={() => rules.deleteException(exception.id)}
      onDone={() => {
        again()
        notify('The exception is deleted')
        onClose()
      }}
      onClose={onClose}
    >
      <p>{exception.is_ended ? 'It has ended already; deleting it takes it off the list.' : 'From now on these events are told again:'}</p>
      <ConditionWords events={exception.events} />
    </Confirm>
  )
}
