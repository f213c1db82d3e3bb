import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Reply } from '../src/proxmox/answer.ts'
import { createProxmox } from '../src/proxmox/client.ts'
import type { PveError } from '../src/proxmox/errors.ts'
import type { Proxmox } from '../src/proxmox/port.ts'
import { ClusterStatusReply } from '../src/proxmox/replies/cluster.ts'
import { HaStatusReply, ManagerStatusReply } from '../src/proxmox/replies/ha.ts'
import {
  ClusterOptionsReply,
  HaGroupsReply,
  HaMoveReply,
  HaResourcesReply,
  HaRulesReply,
} from '../src/proxmox/replies/ha-config.ts'
import { parseReply } from '../src/proxmox/replies/parse.ts'
import { createAuthority, failureOf, startNode, type TestNode } from './proxmox-server.ts'

/** What real Proxmox answered (test/recordings), given out again by a server to the real client. */

interface Recorded {
  seq: string
  name: string
  method: string
  path: string
  params: Record<string, string | number> | null
  status: number
  reason: string
  contentType: string | null
  body: { data: unknown; message?: string; errors?: Record<string, string> } | null
}

const folder = new URL('./recordings/', import.meta.url).pathname
const recordings = readdirSync(folder)
  .filter((name) => name.endsWith('.jsonl.gz'))
  .flatMap((name) => lines(join(folder, name)) as Recorded[])

function lines(path: string): unknown[] {
  const text = gunzipSync(readFileSync(path)).toString()
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown)
}

let pve: TestNode
let proxmox: Proxmox & { close(): Promise<void> }
let current: Recorded
beforeAll(async () => {
  const authority = await createAuthority()
  pve = await startNode(authority)
  pve.answer((_, response) => {
    response.writeHead(
      current.status,
      current.reason,
      current.contentType ? { 'content-type': current.contentType } : {},
    )
    response.end(current.body === null ? '' : JSON.stringify(current.body))
  })
  proxmox = createProxmox({
    cluster: 'main',
    endpoints: [pve.url],
    auth: { token: { id: 'quorum@pve!bot', secret: 'x' } },
    tls: { ca: authority.ca },
  })
})
afterAll(async () => {
  await proxmox.close()
  await pve.close()
})

/** Which of our calls a recorded path belongs to. */
const calls: [RegExp, (m: string[], params: Record<string, string | number>) => Promise<unknown>][] = [
  [/^\/version$/, () => proxmox.version()],
  [/^\/cluster\/status$/, () => proxmox.clusterStatus()],
  [/^\/cluster\/config\/nodes$/, () => proxmox.votes()],
  [/^\/cluster\/resources$/, () => proxmox.resources()],
  [/^\/cluster\/ha\/status\/current$/, () => proxmox.haStatus()],
  [/^\/cluster\/ha\/status\/manager_status$/, () => proxmox.managerStatus()],
  [/^\/cluster\/ha\/resources$/, () => proxmox.haResources()],
  [/^\/cluster\/ha\/rules$/, () => proxmox.haRules()],
  [/^\/cluster\/options$/, () => proxmox.clusterOptions()],
  [/^\/storage$/, () => proxmox.storageConfig()],
  [
    /^\/nodes\/(\w+)\/storage\/(\w+)\/content$/,
    ([node, storage]) => proxmox.storageContents(node as string, storage as string),
  ],
  [/^\/nodes\/(\w+)\/(qemu|lxc)\/(\d+)\/config$/, (m) => proxmox.guestConfig(guestOf(m))],
  [/^\/nodes\/(\w+)\/(qemu|lxc)\/(\d+)\/status\/current$/, (m) => proxmox.guestState(guestOf(m))],
  [/^\/cluster\/nextid$/, (_, { vmid }) => proxmox.nextId(vmid === undefined ? undefined : Number(vmid))],
  [/^\/nodes\/(\w+)\/time$/, ([node]) => proxmox.nodeTime(node as string)],
  [/^\/nodes\/(\w+)\/tasks$/, ([node], params) => proxmox.tasks(node as string, params)],
  [/^\/cluster\/tasks$/, () => proxmox.clusterTasks()],
  [/^\/nodes\/\w+\/tasks\/(UPID[^/]+)\/status$/, ([upid]) => proxmox.task(decodeURIComponent(upid as string))],
  [
    /^\/nodes\/\w+\/tasks\/(UPID[^/]+)\/log$/,
    ([upid]) => proxmox.taskLog(decodeURIComponent(upid as string), { start: 0, limit: 50 }),
  ],
  [/^\/access\/permissions$/, () => proxmox.permissions()],
]

function guestOf([node, kind, vmid]: string[]) {
  return { node: node as string, kind: kind as 'qemu', vmid: Number(vmid) }
}

function callOf(recorded: Recorded): (() => Promise<unknown>) | undefined {
  for (const [pattern, call] of calls) {
    const match = pattern.exec(recorded.path)
    if (match) return () => call(match.slice(1), recorded.params ?? {})
  }
  return undefined
}

async function replay<T = unknown>(name: string): Promise<T> {
  const recorded = recordings.find((one) => one.name === name && callOf(one))
  if (!recorded) throw new Error(`no recording ${name}`)
  current = recorded
  return (await callOf(recorded)?.()) as T
}

describe('every recorded answer', () => {
  test('of 200 to a call of ours is understood, and asked for by the same path', async () => {
    const known = recordings.filter((one) => one.method === 'GET' && one.status === 200 && one.body && callOf(one))
    const perCall = new Set<number>()
    for (const recorded of known) {
      current = recorded
      await callOf(recorded)?.().catch((error) => {
        throw new Error(`${recorded.seq} ${recorded.name}`, { cause: error })
      })
      const url = new URL(pve.hits.at(-1)?.url ?? '', pve.url)
      const isAnyNode = recorded.path.includes('/tasks/UPID')
      if (!isAnyNode) expect(url.pathname).toBe(`/api2/json${recorded.path}`)
      perCall.add(calls.findIndex(([pattern]) => pattern.test(recorded.path)))
    }
    expect(known.length).toBeGreaterThan(250)
    expect(perCall.size).toBe(calls.length)
  })

  test('of refusal keeps the status, the reason phrase, the whole text and the fields', async () => {
    const refused = recordings.filter((one) => one.status >= 400 && !one.path.startsWith('!'))
    for (const recorded of refused) {
      current = recorded
      const error = (await failureOf(proxmox.version())) as PveError
      expect(error.status).toBe(recorded.status)
      expect(error.reason).toBe(recorded.reason)
      expect(error.text).toBe(recorded.body?.message?.trimEnd() || recorded.reason)
      expect(error.fields).toEqual(recorded.body?.errors ?? {})
      expect(error.nodeUnreachable).toBe([595, 596, 599].includes(recorded.status))
    }
    expect(refused.length).toBeGreaterThan(100)
  })

  test('of a trace and of the HA time lines is understood', () => {
    const reply = (data: unknown): Reply => ({ method: 'GET', path: '/', endpoint: pve.url, data, total: undefined })
    let counted = 0
    const ha = (data: unknown) => expect(parseReply(HaStatusReply, reply(data)).length).toBe((data as unknown[]).length)
    for (const name of ['trace-failback', 'trace-seed-validation']) {
      const steps = JSON.parse(gunzipSync(readFileSync(join(folder, `${name}.json.gz`))).toString()) as Record<
        'ha' | 'manager' | 'cluster',
        { status: number; data: unknown } | undefined
      >[]
      for (const step of steps.filter((one) => one.ha?.status === 200)) {
        ha(step.ha?.data)
        if (step.manager?.status === 200) parseReply(ManagerStatusReply, reply(step.manager.data))
        if (step.cluster?.status === 200) parseReply(ClusterStatusReply, reply(step.cluster.data))
        counted++
      }
    }
    const timelines = join(folder, 'ha-timelines')
    for (const scenario of readdirSync(timelines)) {
      for (const step of lines(join(timelines, scenario, 'timeline.jsonl.gz')) as {
        ha_status_current: unknown[] | null
      }[]) {
        if (!step.ha_status_current) continue
        ha(step.ha_status_current)
        counted++
      }
    }
    expect(counted).toBeGreaterThan(1_000)
  })
})

describe('what is made of them', () => {
  test('guests', async () => {
    const { guests, nodes, storages } =
      await replay<Awaited<ReturnType<Proxmox['resources']>>>('failover.after-resources')
    const web1 = guests.find((guest) => guest.vmid === 101)
    expect(web1).toMatchObject({
      kind: 'qemu',
      name: 'web1',
      status: 'running',
      template: false,
      cpus: 2,
      haState: 'started',
      tags: ['prod', 'web'],
    })
    expect(guests.map((guest) => guest.vmid)).toEqual(guests.map((guest) => guest.vmid).toSorted((a, b) => a - b))
    expect(nodes.map((one) => `${one.name} ${one.status}`)).toEqual(['pve1 offline', 'pve2 online', 'pve3 online'])
    expect(storages.find((one) => one.storage === 'local' && one.node === 'pve1')).toMatchObject({
      shared: false,
      type: 'dir',
    })
  })

  test('a cluster, and a host that is in none', async () => {
    await expect(replay('noquorum.cluster-status')).resolves.toMatchObject({
      cluster: { name: 'demo', quorate: false, nodes: 3, version: 3 },
      members: expect.arrayContaining([{ name: 'pve2', online: false, local: false, nodeid: 2, ip: '10.99.0.12' }]),
    })
    const alone = await replay<object>('standalone.cluster.status')
    expect(alone).not.toHaveProperty('cluster')
    expect(alone).toMatchObject({ members: [{ name: 'pve1', nodeid: 0, local: true }] })
    await expect(replay('cluster3.cluster.config.nodes')).resolves.toContainEqual({ name: 'pve3', votes: 1 })
  })

  test('the HA stack', async () => {
    await expect(replay('ha.status-disarmed')).resolves.toContainEqual(
      expect.objectContaining({ type: 'fencing', armedState: 'disarmed', resourceMode: 'freeze' }),
    )
    await expect(replay('noquorum.ha-current')).resolves.toContainEqual(
      expect.objectContaining({ type: 'quorum', quorate: false, node: 'pve1' }),
    )
    await expect(replay('ha.maintenance-manager-status')).resolves.toMatchObject({
      quorate: true,
      answeredBy: 'pve1',
      master: 'pve2',
      nodes: { pve2: 'maintenance' },
      services: { 'vm:101': { node: 'pve3', state: 'started', running: true, maintenanceNode: 'pve2' } },
      lrms: { pve2: { mode: 'maintenance' } },
    })
  })

  test('what stands in the HA configuration, with the defaults that Proxmox leaves out', async () => {
    await expect(replay('ha.resources')).resolves.toEqual([
      expect.objectContaining({ sid: 'vm:101', state: 'started', maxRestart: 1, maxRelocate: 1, comment: 'web' }),
      expect.objectContaining({ sid: 'vm:102', state: 'started', maxRestart: 1, failback: true }),
      expect.objectContaining({ sid: 'vm:110', state: 'stopped' }),
    ])
    await expect(replay('ha.rules')).resolves.toEqual([
      {
        rule: 'prefer-1',
        type: 'node-affinity',
        resources: ['vm:101'],
        nodes: [
          { node: 'pve1', priority: 2 },
          { node: 'pve2', priority: 1 },
        ],
        strict: false,
        disabled: false,
        errors: {},
        digest: '20066ba8530eefd49aca6717c08694823c4d11e9',
      },
    ])
    await expect(replay('options.get')).resolves.toEqual({})
  })

  test('rules and groups of the time lines, whatever order Perl gave them, and the answer to a wish to move', () => {
    const reply = (data: unknown): Reply => ({ method: 'GET', path: '/', endpoint: pve.url, data, total: undefined })
    const timelines = join(folder, 'ha-timelines')
    const seen = { resources: 0, rules: 0, groups: 0 }
    for (const scenario of readdirSync(timelines)) {
      const steps = lines(join(timelines, scenario, 'timeline.jsonl.gz')) as Record<string, unknown[] | undefined>[]
      const last = steps.findLast((step) => step.ha_resources)!
      seen.resources += parseReply(HaResourcesReply, reply(last.ha_resources)).length
      seen.rules += parseReply(HaRulesReply, reply(last.ha_rules ?? [])).length
      for (const { ha_groups } of steps) seen.groups += parseReply(HaGroupsReply, reply(ha_groups ?? [])).length
    }
    expect(seen.resources).toBeGreaterThan(100)
    expect(seen.rules).toBeGreaterThan(20)
    const move = recordings.find(({ name }) => name === 'ha.migrate')!.body!.data
    expect(parseReply(HaMoveReply, reply(move))).toEqual({ comigrated: [], blocking: [] })
    expect(parseReply(HaMoveReply, reply(null))).toEqual({ comigrated: [], blocking: [] })
    const apart = { sid: 'vm:1', 'blocking-resources': [{ sid: 'vm:2', cause: 'resource-affinity' }] }
    expect(parseReply(HaMoveReply, reply(apart)).blocking).toEqual([{ sid: 'vm:2', cause: 'resource-affinity' }])
    expect(parseReply(ClusterOptionsReply, reply({ ha: 'shutdown_policy=migrate' }))).toEqual({
      shutdownPolicy: 'migrate',
    })
    expect(parseReply(ClusterOptionsReply, reply({ ha: { shutdown_policy: 'freeze' } }))).toEqual({
      shutdownPolicy: 'freeze',
    })
  })

  test('a guest', async () => {
    await expect(replay('qemu-status-paused')).resolves.toMatchObject({ status: 'paused', qmpStatus: 'paused' })
    await expect(replay('ha.qemu-status-current')).resolves.toMatchObject({ haManaged: true })
    await expect(replay('qemu-config')).resolves.toMatchObject({
      cores: '1',
      digest: expect.stringMatching(/^[\da-f]{40}$/),
    })
  })

  test('a task that runs, ends, fails, and is stopped', async () => {
    const running = await replay<object>('task.running-status')
    expect(running).toMatchObject({
      type: 'qmshutdown',
      id: '101',
      user: 'root@pam',
      tokenid: 'bot',
      starttime: 1795382010,
    })
    expect(running).not.toHaveProperty('exit')
    await expect(replay('task.stopped-status')).resolves.toMatchObject({ exit: 'received interrupt' })
    const [listed] = await replay<object[]>('task.running-list-active')
    expect(listed).toEqual({ ...running })
    await expect(replay('tasks.list-statusfilter-warning3')).resolves.toMatchObject([
      { exit: 'WARNINGS: 1', endtime: 1795383424 },
    ])
  })

  test('a log, and one in which nothing was written', async () => {
    await expect(replay('task.running-log')).resolves.toEqual({ lines: [], total: 0 })
    await expect(replay('task.log-limit3')).resolves.toMatchObject({
      total: 7,
      lines: ['creating a clone of VM 101 with ID 111', /create full/, /Format/].map((line) =>
        expect.stringMatching(line),
      ),
    })
    await expect(replay('task.log-start-past-end')).resolves.toEqual({ lines: [], total: 7 })
  })

  test('a VMID', async () => {
    await expect(replay('nextid')).resolves.toEqual({ vmid: 101, free: true })
    await expect(replay('err.nextid-taken')).resolves.toEqual({ vmid: 100, free: false })
  })

  test('an error of several lines', async () => {
    const isLong = (one: Recorded) => one.status >= 400 && one.body?.message?.trimEnd().includes('\n')
    current = recordings.find(isLong) as Recorded
    const error = (await failureOf(proxmox.version())) as PveError
    expect(error.text.split('\n').length).toBeGreaterThan(1)
    expect(error.message).toContain(error.text)
  })
})
