/** What is told in the channel about machines that are installed unattended. */
export const installEn = {
  served: '{host} has fetched its answer file: its installation begins and erases disk {disk}',
  servedText: 'Asked from {from}, with the right token, DMI serial and MAC. It is not given a second time.',
  refused: 'An answer file for {host} was refused ({count})',
  misfit: 'The answer file of {host} does not fit its installer',
  why: {
    'wrong-machine': 'The token was right and the machine another one: DMI serial {serial}, MAC {macs}, from {from}.',
    'served-before': 'It has been given out already in this window. Asked from {from}.',
    'installer-too-old':
      'Its medium is of Proxmox VE {release}, whose installer takes no hash of a password: use one of {oldest} or newer. The window stays open.',
    'answer-misfit':
      'The installer of its medium would not take the file: {place}. Nothing was given out; the window stays open.',
    'no-window': 'No window is open for {host}. Asked from {from}.',
  },
  again: 'To let it ask once more: `host prepare {host} open:30m`',
  done: '{host} is installed',
  doneText:
    'It answers at {address} after its first start. The window is closed. Next: `host check`, then `cluster join {host}`',
}
