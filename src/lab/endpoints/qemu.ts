/** All endpoints below `/nodes/{node}/qemu`. */
import type { Route } from '../router.ts'
import { routes as clone } from './qemu-clone.ts'
import { routes as config } from './qemu-config.ts'
import { routes as console } from './qemu-console.ts'
import { routes as create } from './qemu-create.ts'
import { routes as remove } from './qemu-delete.ts'
import { routes as disks } from './qemu-disks.ts'
import { routes as list } from './qemu-list.ts'
import { routes as migrate } from './qemu-migrate.ts'
import { routes as power } from './qemu-power.ts'
import { routes as snapshot } from './qemu-snapshot.ts'
import { routes as template } from './qemu-template.ts'

export const routes: Route[] = [
  ...list,
  ...create,
  ...config,
  ...power,
  ...clone,
  ...template,
  ...migrate,
  ...snapshot,
  ...disks,
  ...remove,
  ...console,
]
