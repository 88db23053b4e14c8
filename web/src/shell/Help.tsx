import { Dialog } from '../ui/Dialog'

const GROUPS: readonly [string, readonly [string[], string][]][] = [
  ['Everywhere', [[['Ctrl', 'K'], 'Go to or do anything'], [['g', 'h'], 'Home'], [['g', 'a'], 'Activity'], [['g', 'i'], 'Insights'], [['g', 't'], 'Alerts'], [['g', 'l'], 'Rules'], [['g', 'u'], 'Audit log'], [['g', 'r'], 'Rejects'], [['g', 'k'], 'Keys'], [['g', 's'], 'Settings'], [['g', 'm'], 'My activity'], [['?'], 'This help']]],
  ['Activity and Audit log', [[['/'], 'Into the query'], [['j'], 'Next event'], [['k'], 'Previous event'], [['Enter'], 'Open the event'], [['Esc'], 'Close the event'], [['→'], 'Into the row’s values'], [['l'], 'Live on or off'], [['p'], 'Pause or resume live']]],
  ['Insights', [[['j'], 'Next insight'], [['k'], 'Previous insight'], [['Enter'], 'Open it'], [['e'], 'Say that it was expected'], [['u'], 'Say that it was useful'], [['Esc'], 'Close it']]],
  ['Alerts', [[['j'], 'Next alert'], [['k'], 'Previous alert'], [['o'], 'Open it'], [['a'], 'Acknowledge'], [['r'], 'Resolve'], [['x'], 'Choose it, for several at once'], [['Esc'], 'Close it']]],
  ['Rules', [[['/'], 'Find a rule'], [['Tab'], 'Indent in the YAML'], [['Esc', 'Tab'], 'Out of the YAML']]],
  ['Histogram', [[['←', '→'], 'Move between bars'], [['Shift', '→'], 'Mark several bars'], [['Enter'], 'Zoom to the marked bars'], [['Backspace'], 'Back to the earlier range']]],
]

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div className="help-groups">
        {GROUPS.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl className="help-keys">
              {keys.map(([names, meaning]) => (
                <div key={meaning}>
                  <dt>
                    {names.map((name) => (
                      <kbd key={name}>{name}</kbd>
                    ))}
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
