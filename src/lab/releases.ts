/** The three Proxmox VE releases that the simulator can be, and where they differ beyond their schemas. */
import type { PveRelease } from './model.ts'
import type { SchemaVersion } from './schema/load.ts'

export const RELEASES: Record<SchemaVersion, PveRelease> = {
  '7.2': {
    ...{ version: '7.2', full: '7.2-11', repoid: 'b76d3178' },
    ...{ haRules: false, haArming: false, haCountsArriving: false, sparing401: false },
  },
  '8.4': {
    ...{ version: '8.4', full: '8.4.14', repoid: 'b502d23c55afcba1' },
    ...{ haRules: false, haArming: false, haCountsArriving: false, sparing401: false },
  },
  '9.2': {
    ...{ version: '9.2', full: '9.2.11', repoid: '14a22df35955d97d' },
    ...{ haRules: true, haArming: true, haCountsArriving: true, sparing401: true },
  },
}
