import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Agent, request } from 'undici'
import { Crew } from '../crew.ts'
import type { Frame } from '../ha-scenarios.ts'
import { json } from '../proxmox-server.ts'
import { ReplayCluster } from '../replay-cluster.ts'
import { type Figure, round } from './figures.ts'
import type { Stage } from './stage.ts'

const sizes = [
  { nodes: 3, guests: 10 },
  { nodes: 16, guests: 1000 },
  { nodes: 64, guests: 10_000 },
]
const watchedMs = 16_000
const target = { fast: 3, rssMB: 250 }
const token = { id: 'quorum@pve!bot', secret: 'secret-of-token' }
const name = (i: number) => `pve${i}`

function frameOf({ nodes, guests }: (typeof sizes)[number]): Frame {
  const names = Array.from({ length: nodes }, (_, i) => name(i))
  const vmids = Array.from({ length: guests }, (_, i) => 100 + i)
  const epoch = Math.floor(Date.now() / 1000)
  const home = (vmid: number) => name(vmid % nodes)
  return {
    t: 0,
    epoch,
    node: name(0),
    nodes: Object.fromEntries(names.map((node) => [node, 'online'])),
    ha: [
      { type: 'quorum', id: 'quorum', node: name(0), status: 'OK', quorate: 1 },
      { type: 'master', id: 'master', node: name(0), status: `${name(0)} (active, now)`, timestamp: epoch },
      ...names.map((node) => ({ type: 'lrm', id: `lrm:${node}`, node, status: `${node} (active, now)` })),
      ...vmids.map((vmid) => {
        const status = `vm:${vmid} (${home(vmid)}, started)`
        const more = { crm_state: 'started', state: 'started', request_state: 'started', max_restart: 1 }
        return { type: 'service', id: `service:vm:${vmid}`, sid: `vm:${vmid}`, node: home(vmid), status, ...more }
      }),
    ],
    manager: {
      quorum: { node: name(0), quorate: 1 },
      manager_status: {
        master_node: name(0),
        timestamp: epoch,
        node_status: Object.fromEntries(names.map((node) => [node, 'online'])),
        service_status: Object.fromEntries(
          vmids.map((vmid) => [`vm:${vmid}`, { node: home(vmid), state: 'started', running: 1, uid: `u${vmid}` }]),
        ),
      },
      lrm_status: Object.fromEntries(names.map((node) => [node, { mode: 'active', state: 'active' }])),
    },
    status: [
      { type: 'cluster', id: 'cluster', name: 'main', nodes, quorate: 1, version: nodes },
      ...names.map((node, i) => ({ type: 'node', id: `node/${node}`, name: node, nodeid: i + 1, online: 1, local: 0 })),
    ],
    resources: vmids.map((vmid) => ({
      type: 'qemu',
      id: `qemu/${vmid}`,
      vmid,
      node: home(vmid),
      name: `web${vmid}`,
      status: 'running',
      uptime: 5000,
    })),
    tasks: [],
  }
}

/** What a whole worker process asks and keeps while it watches clusters of three sizes, beside who asks each guest. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const [crew, cluster] = await Promise.all([Crew.start({ speed: 0 }), ReplayCluster.start(3)])
  stage.defer(() => crew.close())
  stage.defer(() => cluster.close())
  const ca = join(crew.folder, 'replay.pem')
  await writeFile(ca, cluster.authority.ca)
  cluster.spoil = (_, path, response) => {
    if (!path.endsWith('/status/current') || !path.startsWith('/nodes/')) return false
    json(response, 200, { data: { status: 'running', uptime: 5000, vmid: 100 } })
    return true
  }
  const measured: Record<string, number> = {}
  const floor: Record<string, number> = {}
  let rss = 0
  for (const size of sizes) {
    cluster.begin([name(0), name(1), name(2)])
    cluster.show(frameOf(size))
    const clusters = [{ name: 'main', endpoints: cluster.urls, token, tls: { ca }, poll: '2s' }]
    const worker = await crew.worker(`size${size.guests}`, { clusters })
    await delay(watchedMs / 4)
    cluster.asked.length = 0
    await delay(watchedMs)
    const looks = cluster.asked.filter((path) => path === '/cluster/ha/status/manager_status').length
    const fast = cluster.asked.filter((path) => /^\/cluster\/(status|ha\/status\/\w+)$/.test(path)).length
    measured[`fast requests a look, ${size.guests} guests`] = round(fast / looks)
    measured[`all requests a look, ${size.guests} guests`] = round(cluster.asked.length / looks)
    rss = await residentMb(worker.pid)
    await worker.stop()
    floor[`per-guest poller, requests a look, ${size.guests} guests`] = size.guests
    floor[`per-guest poller, ms a look, ${size.guests} guests`] = await perGuest(cluster, size.guests)
    stage.say(`${size.guests} guests: ${rss} MB`)
  }
  const isConstant = sizes.every(({ guests }) => measured[`fast requests a look, ${guests} guests`]! <= target.fast)
  const samples = sizes.length
  return [
    {
      name: 'watch-requests',
      what: 'requests of one look of the real watcher, and of a poller that asks each guest, ten at a time',
      unit: 'requests',
      samples,
      measured,
      floor,
      target: `at the fast beat ≤ ${target.fast} at any size`,
      holds: isConstant,
    },
    {
      name: 'watch-memory',
      what: 'resident memory of a worker process that watches 64 nodes and 10000 guests',
      unit: 'MB',
      samples: 1,
      measured: { worker: rss },
      floor: {},
      target: `< ${target.rssMB} MB`,
      holds: rss < target.rssMB,
    },
  ]
}

/** One round of somebody who asks for the state of each guest, ten at a time. */
async function perGuest(cluster: ReplayCluster, guests: number): Promise<number> {
  const dispatcher = new Agent({ connect: { ca: cluster.authority.ca }, connections: 10 })
  const began = performance.now()
  let next = 0
  const lane = async () => {
    while (next < guests) {
      const path = `${cluster.urls[0]}/api2/json/nodes/pve0/qemu/${100 + next++}/status/current`
      await (await request(path, { dispatcher })).body.json()
    }
  }
  await Promise.all(Array.from({ length: 10 }, lane))
  await dispatcher.close()
  return Math.round(performance.now() - began)
}

async function residentMb(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
  return round((Number(stdout) * 1024) / 1e6)
}
