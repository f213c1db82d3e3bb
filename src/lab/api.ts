/** All endpoints of the simulated Proxmox. A new family is a file in endpoints/ and a line here. */
import { routes as acl } from './endpoints/acl.ts'
import { routes as aplinfo } from './endpoints/aplinfo.ts'
import { routes as cluster } from './endpoints/cluster.ts'
import { routes as corosync } from './endpoints/corosync.ts'
import { routes as haArming } from './endpoints/ha-arming.ts'
import { routes as haGroups } from './endpoints/ha-groups.ts'
import { routes as haRead } from './endpoints/ha-read.ts'
import { routes as haResources } from './endpoints/ha-resources.ts'
import { routes as haRules } from './endpoints/ha-rules.ts'
import { routes as hardware } from './endpoints/hardware.ts'
import { routes as lxc } from './endpoints/lxc.ts'
import { routes as network } from './endpoints/network.ts'
import { routes as node } from './endpoints/node.ts'
import { routes as nodeTasks } from './endpoints/node-tasks.ts'
import { routes as notifications } from './endpoints/notifications.ts'
import { routes as pools } from './endpoints/pools.ts'
import { routes as qemu } from './endpoints/qemu.ts'
import { routes as realmSync } from './endpoints/realm-sync.ts'
import { routes as realms } from './endpoints/realms.ts'
import { routes as resources } from './endpoints/resources.ts'
import { routes as services } from './endpoints/services.ts'
import { routes as storage } from './endpoints/storage.ts'
import { routes as ticket } from './endpoints/ticket.ts'
import { routes as users } from './endpoints/users.ts'
import { routes as vzdump } from './endpoints/vzdump.ts'
import { type Routes, routeTable } from './router.ts'

const ACCESS = [acl, realms, realmSync, ticket, users, pools]
const CLUSTER = [cluster, corosync, haArming, haGroups, haRead, haResources, haRules, notifications, resources]
const GUESTS = [aplinfo, lxc, qemu, storage, vzdump]
const NODE = [hardware, network, node, nodeTasks, services]

export const allRoutes = (): Routes => routeTable(...ACCESS, ...CLUSTER, ...NODE, ...GUESTS)
