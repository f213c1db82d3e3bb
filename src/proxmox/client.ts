import { type Proxmox as Pve, proxmoxApi } from 'proxmox-api'
import type { z } from 'zod'
import type { ProxmoxAccess } from './access-port.ts'
import type { Reply } from './answer.ts'
import { CapabilityProbe } from './capabilities.ts'
import type { ProxmoxRoot } from './cluster-port.ts'
import type { Auth } from './credentials.ts'
import { Endpoints } from './endpoints.ts'
import { Engine, type RequestOptions } from './engine.ts'
import { BadReply, OutcomeUnknown, PveError, TfaRequired } from './errors.ts'
import { foundingReads, rootCalls } from './founding.ts'
import { accessReads, accessWrites } from './granting.ts'
import { guestReads, guestWrites } from './guest-calls.ts'
import { hostReads, hostWrites } from './host-calls.ts'
import type { CallOptions, GuestKind, GuestRef, Params, Proxmox, ProxmoxWriter } from './port.ts'
import { AclReply, PermissionsReply, RolesReply } from './replies/access.ts'
import {
  ClusterStatusReply,
  NextIdReply,
  QdeviceReply,
  ReplicationReply,
  TimeReply,
  VersionReply,
  VotesReply,
} from './replies/cluster.ts'
import { GuestConfigReply, GuestStateReply } from './replies/guest.ts'
import { HaStatusReply, ManagerStatusReply } from './replies/ha.ts'
import { ClusterOptionsReply, HaGroupsReply, HaMoveReply, HaResourcesReply, HaRulesReply } from './replies/ha-config.ts'
import { parseReply } from './replies/parse.ts'
import { GuestRows, NodeRows, StorageRows } from './replies/resources.ts'
import { StorageConfigReply, VolumesReply } from './replies/storage.ts'
import { TaskLogReply, TaskReply, TasksReply, UpidReply } from './replies/task.ts'
import { storageReads, storageWrites } from './storing.ts'
import type { TlsTrust } from './tls.ts'
import { parseUpid } from './upid.ts'

export interface ProxmoxOptions {
  /** The cluster's name in our configuration. */
  cluster: string
  /** Any of its nodes, `https://10.0.0.1:8006`; the port may be left out. Asked in this order until one answers. */
  endpoints: readonly string[]
  auth: Auth
  tls?: TlsTrust
  /** Milliseconds. @default Date.now */
  now?: () => number
  /** @default 10_000 */
  readTimeoutMs?: number
  /** @default 30_000, since Proxmox itself waits 10 s for its locks */
  writeTimeoutMs?: number
  /** To one endpoint, TLS included. @default 3_000 */
  connectTimeoutMs?: number
}

interface Closes {
  /** Ends the connections, and with them the calls that are under way. */
  close(): Promise<void>
}

/** A client that reads. Throws `TypeError` for options that can never work; connects only when it is used. */
export function createProxmox(options: ProxmoxOptions): Proxmox & Closes {
  return reader(start(options))
}

/** A client that reads and acts. */
export function createProxmoxWriter(options: ProxmoxOptions): ProxmoxWriter & Closes {
  const started = start(options)
  return { ...reader(started), ...writer(started) }
}

/** A client that changes who may do what, and nothing else. */
export function createProxmoxAccess(options: ProxmoxOptions): ProxmoxAccess {
  const started = start(options)
  return { ...reader(started), ...accessWrites(started.api, upidOf) }
}

/** A client that acts as root@pam. */
export function createProxmoxRoot(options: ProxmoxOptions): ProxmoxRoot {
  const started = start(options)
  const reads = reader(started)
  return { ...reads, ...writer(started), ...rootCalls(started.api, upidOf), logIn: (o) => logIn(reads, o) }
}

async function logIn(reads: Proxmox, o?: CallOptions): ReturnType<ProxmoxRoot['logIn']> {
  try {
    await reads.version(o)
    return 'in'
  } catch (error) {
    if (error instanceof TfaRequired) return 'second-factor'
    if (error instanceof PveError && error.status === 401 && error.path === '/access/ticket') return 'wrong-password'
    throw error
  }
}

interface Started {
  cluster: string
  endpoints: Endpoints
  engine: Engine
  now: () => number
  /** The typed proxy for one call. Its types are those of PVE 8 and its answers are unknown until parsed. */
  api(o?: RequestOptions): Pve.Api
}

function start(options: ProxmoxOptions): Started {
  const now = options.now ?? Date.now
  const endpoints = new Endpoints(options.endpoints, now)
  const engine = new Engine({
    cluster: options.cluster,
    endpoints,
    auth: options.auth,
    tls: options.tls ?? {},
    now,
    readTimeoutMs: options.readTimeoutMs ?? 10_000,
    writeTimeoutMs: options.writeTimeoutMs ?? 30_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 3_000,
  })
  return { cluster: options.cluster, endpoints, engine, now, api: (o) => proxmoxApi(engine.with(o)) }
}

/** Listing a storage may wake disks or cross a slow network. */
const SLOW_READ_MS = 30_000

function reader({ cluster, endpoints, engine, now, api }: Started): Proxmox & Closes {
  const probe = new CapabilityProbe(() => read(VersionReply, api().version.$get()), now)

  async function read<T>(schema: z.ZodType<T>, call: Promise<unknown>): Promise<T> {
    return parseReply(schema, await replyOf(call))
  }

  async function replyOf(call: Promise<unknown>): Promise<Reply> {
    try {
      return (await call) as Reply
    } catch (error) {
      // Silence, or a call that is not there: the nodes may be on their way to another version.
      if (!(error instanceof PveError) || error.status === 501) probe.forget()
      throw error
    }
  }

  return {
    cluster,
    ...guestReads(api, read),
    ...hostReads(api, read),
    identity: engine.identity,
    close: () => engine.close(),
    version: (o) => read(VersionReply, api(o).version.$get()),
    capabilities: () => probe.get(),
    async clusterStatus(o) {
      const reply = await replyOf(api(o).cluster.status.$get())
      const status = parseReply(ClusterStatusReply, reply)
      const local = status.members.find((member) => member.local)
      if (local) endpoints.learn(reply.endpoint, local.name)
      endpoints.learnAddresses(status.members)
      return status
    },
    votes: (o) => read(VotesReply, api(o).cluster.config.nodes.$get()),
    qdevice: (o) => read(QdeviceReply, api(o).cluster.config.qdevice.$get()),
    replication: (node, o) => read(ReplicationReply, api(o).nodes.$(node).replication.$get()),
    async resources(o) {
      const reply = await replyOf(api(o).cluster.resources.$get())
      const guests = parseReply(GuestRows, reply).sort((a, b) => a.vmid - b.vmid)
      const nodes = parseReply(NodeRows, reply).sort((a, b) => a.name.localeCompare(b.name))
      return { guests, nodes, storages: parseReply(StorageRows, reply) }
    },
    haStatus: (o) => read(HaStatusReply, api(o).cluster.ha.status.current.$get()),
    managerStatus: (o) => read(ManagerStatusReply, api(o).cluster.ha.status.manager_status.$get()),
    haResources: (o) => read(HaResourcesReply, haOf(api(o)).resources.$get()),
    haRules: (o) => read(HaRulesReply, haOf(api(o)).rules.$get()),
    haGroups: (o) => read(HaGroupsReply, haOf(api(o)).groups.$get()),
    clusterOptions: (o) => read(ClusterOptionsReply, api(o).cluster.options.$get()),
    storageConfig: (o) => read(StorageConfigReply, api(o).storage.$get()),
    storageContents: (node, storage, content, o) =>
      read(
        VolumesReply,
        api({ timeoutMs: SLOW_READ_MS, ...o })
          .nodes.$(node)
          .storage.$(storage)
          .content.$get(given({ content })),
      ),
    guestConfig: (guest, o) => read(GuestConfigReply, at(api(o), guest).config.$get()),
    guestState: (guest, o) => read(GuestStateReply, at(api(o), guest).status.current.$get()),
    async nextId(vmid, o) {
      try {
        return { vmid: await read(NextIdReply, api(o).cluster.nextid.$get(given({ vmid }))), free: true }
      } catch (error) {
        const isTaken = error instanceof PveError && /already exists/.test(error.fields.vmid ?? '')
        if (vmid !== undefined && isTaken) return { vmid, free: false }
        throw error
      }
    },
    nodeTime: (node, o) => read(TimeReply, api(o).nodes.$(node).time.$get()),
    tasks: (node, filter, o) =>
      read(
        TasksReply,
        api(o)
          .nodes.$(node)
          .tasks.$get(given(filter ?? {})),
      ),
    clusterTasks: (o) => read(TasksReply, api(o).cluster.tasks.$get()),
    task: (upid, o) => read(TaskReply, taskAt(api(o), upid).status.$get()),
    async taskLog(upid, page, o) {
      const reply = await replyOf(taskAt(api(o), upid).log.$get({ ...page }))
      return parseReply(TaskLogReply, reply, { lines: reply.data, total: reply.total })
    },
    ...foundingReads(api, read),
    ...storageReads(api, read),
    ...accessReads(api, read),
    accessList: (o) => read(AclReply, api(o).access.acl.$get()),
    accessRoles: (o) => read(RolesReply, api(o).access.roles.$get()),
    permissions: (o) => read(PermissionsReply, api(o).access.permissions.$get()),
  }
}

/** A write that was taken and whose UPID cannot be read has happened all the same. */
async function upidOf(call: Promise<unknown>): Promise<string> {
  const reply = (await call) as Reply
  try {
    return parseReply(UpidReply, reply)
  } catch (error) {
    throw error instanceof BadReply ? new OutcomeUnknown(reply, reply.endpoint, error) : error
  }
}

type Writes = Omit<ProxmoxWriter, keyof Proxmox>

function writer({ api }: Started): Writes {
  const silent = async (call: Promise<unknown>): Promise<void> => void (await call)

  return {
    ...guestWrites(api),
    ...hostWrites(api, upidOf, silent),
    createGuest: (node, kind, params, o) => upidOf(guestsOf(api(o), node, kind).$post(params)),
    cloneGuest: (source, params, o) => upidOf(at(api(o), source).clone.$post(params)),
    guestPower: (guest, action, params, o) => upidOf(at(api(o), guest).status[action].$post(params)),
    deleteGuest: (guest, params, o) => upidOf(at(api(o), guest).$delete(params)),
    async stopTask(upid, o) {
      await taskAt(api(o), upid).$delete()
    },
    createHaResource: (params, o) => silent(haOf(api(o)).resources.$post(params)),
    updateHaResource: (sid, params, o) => silent(haOf(api(o)).resources.$(sid).$put(params)),
    deleteHaResource: (sid, params, o) => silent(haOf(api(o)).resources.$(sid).$delete(params)),
    createHaRule: (params, o) => silent(haOf(api(o)).rules.$post(params)),
    updateHaRule: (rule, params, o) => silent(haOf(api(o)).rules.$(rule).$put(params)),
    deleteHaRule: (rule, o) => silent(haOf(api(o)).rules.$(rule).$delete()),
    createHaGroup: (params, o) => silent(haOf(api(o)).groups.$post(params)),
    updateHaGroup: (group, params, o) => silent(haOf(api(o)).groups.$(group).$put(params)),
    deleteHaGroup: (group, o) => silent(haOf(api(o)).groups.$(group).$delete()),
    async moveHaResource(sid, how, node, o) {
      const reply = (await haOf(api(o)).resources.$(sid)[how].$post({ node })) as Reply
      return parseReply(HaMoveReply, reply)
    },
    armHa: (o) => silent(haOf(api(o)).status['arm-ha'].$post()),
    disarmHa: (mode, o) => silent(haOf(api(o)).status['disarm-ha'].$post({ 'resource-mode': mode })),
    ...storageWrites(api, upidOf),
    updateClusterOptions: (params, o) =>
      silent((api(o).cluster.options as unknown as { $put(params: Params): Promise<unknown> }).$put(params)),
  }
}

/** A section of a configuration file and its list, which the generated types know of other versions only. */
interface SectionCalls {
  $get(): Promise<unknown>
  $post(params: Params): Promise<unknown>
  $(id: string): {
    $put(params: Params): Promise<unknown>
    $delete(params?: Params): Promise<unknown>
    migrate: { $post(params: Params): Promise<unknown> }
    relocate: { $post(params: Params): Promise<unknown> }
  }
}

const haOf = (api: Pve.Api) =>
  api.cluster.ha as unknown as Record<'resources' | 'rules' | 'groups', SectionCalls> & {
    status: Record<'arm-ha' | 'disarm-ha', { $post(params?: Params): Promise<unknown> }>
  }

type Action = 'start' | 'stop' | 'shutdown' | 'reboot' | 'reset' | 'suspend' | 'resume'

/** What machines and containers have in common, which the generated types do not say. Parameters are Proxmox's own. */
interface GuestCalls {
  $delete(params?: Params): Promise<unknown>
  config: { $get(): Promise<unknown> }
  status: { current: { $get(): Promise<unknown> } } & Record<Action, { $post(params?: Params): Promise<unknown> }>
  clone: { $post(params: Params): Promise<unknown> }
}

interface GuestsCalls {
  $post(params: Params): Promise<unknown>
  $(vmid: number): GuestCalls
}

function guestsOf(api: Pve.Api, node: string, kind: GuestKind): GuestsCalls {
  return api.nodes.$(node)[kind] as unknown as GuestsCalls
}

function at(api: Pve.Api, guest: GuestRef): GuestCalls {
  return guestsOf(api, guest.node, guest.kind).$(guest.vmid)
}

function taskAt(api: Pve.Api, upid: string) {
  return api.nodes.$(parseUpid(upid).node).tasks.$(upid)
}

/** The generated types do not take `undefined` for a parameter that is left out; the engine does. */
function given<T extends object>(params: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return params as { [K in keyof T]: Exclude<T[K], undefined> }
}
