import { Tab } from '../settings/Tab'
import { historyOf } from '../settings/History'

export function NotificationsTab() {
  return (
    <Tab title="Notifications" lead="Channels that tell people and programs of alerts." need={['channels.manage']} history={historyOf(['channel'])}>
      {null}
    </Tab>
  )
}
