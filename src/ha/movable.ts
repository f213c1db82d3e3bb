/** What would keep a guest from starting on another node, found before HA takes it. */
export interface Hindrance {
  code: 'ha-template' | 'ha-local-disk' | 'ha-cdrom' | 'ha-storage' | 'ha-host-file' | 'ha-passthrough'
  values: { key: string; storage: string; nodes: string }
}

interface Drive {
  key: string
  volid?: string
  storage?: string
  cdrom: boolean
}

/** Devices of the host itself; a mapped one may be on other nodes too. */
const passthrough = /^(?:hostpci|usb|serial|parallel|dev)\d+$/

/**
 * @param lacking drives whose storage some of the nodes do not have, or that is each node's own
 */
export function hindrances(guest: {
  template: boolean
  config: Readonly<Record<string, string>>
  drives: readonly Drive[]
  lacking: readonly { key: string; storage: string; cdrom: boolean; local: boolean; lacking: readonly string[] }[]
}): Hindrance[] {
  const { template, config, drives, lacking } = guest
  const found = (code: Hindrance['code'], key = '', storage = '', nodes = ''): Hindrance => ({
    code,
    values: { key, storage, nodes },
  })
  const hostFiles = drives.filter(({ volid, storage }) => volid !== undefined && storage === undefined)
  const devices = Object.entries(config).filter(
    ([key, value]) => passthrough.test(key) && !/\bmapping=|^spice\b|^socket$/.test(value),
  )
  return [
    ...(template ? [found('ha-template')] : []),
    ...lacking.map(({ key, storage, cdrom, local, lacking: nodes }) =>
      found(cdrom ? 'ha-cdrom' : local ? 'ha-local-disk' : 'ha-storage', key, storage, nodes.join(', ')),
    ),
    ...hostFiles.map(({ key, cdrom, volid }) => found(cdrom ? 'ha-cdrom' : 'ha-host-file', key, volid ?? '')),
    ...devices.map(([key]) => found('ha-passthrough', key)),
  ]
}
