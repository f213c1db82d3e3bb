/**
 * Clusters in the making: corosync.conf, the way of a host into a cluster and out of it. Texts and times are those of
 * test/recordings/{cluster,join,delnode}.jsonl.gz and trace-join-*.json.gz.
 */
import { fail } from './fault.ts'
import { type CorosyncNode, emit, isQuorate, nodeByName, reaches, type SimCluster, type SimNode } from './model.ts'
import { makeNodeCertificate } from './pki.ts'
import type { TaskHandle } from './tasks.ts'

/** Seconds. */
const TIMES = {
  keys: 1,
  /** pmxcfs and corosync come up again. */
  restart: 2,
  login: 1.2,
  request: 0.4,
  stop: 1.5,
  /** From then until the others see the new member. */
  quorum: 7,
  certificate: 1.5,
}

interface Links {
  link0?: string | undefined
  link1?: string | undefined
}

/** `10.0.0.1` or `address=10.0.0.1,priority=5`. */
const addressOf = (link: string): string => /(?:^|,)(?:address=)?([^,=]+)/.exec(link)?.[1] ?? link

const rings = (node: SimNode, { link0, link1 }: Links) => ({
  ring0: link0 === undefined ? node.ip : addressOf(link0),
  ...(link1 === undefined ? {} : { ring1: addressOf(link1) }),
})

/** What the worker of `POST /cluster/config` does; Proxmox does not look whether the link is the host's own. */
export async function createCluster(
  sim: SimCluster,
  node: SimNode,
  task: TaskHandle,
  o: Links & { name: string; nodeid: number; votes: number },
) {
  task.log('Corosync Cluster Engine Authentication key generator.')
  task.log('Gathering 2048 bits for key from /dev/urandom.')
  task.log('Writing corosync key to /etc/corosync/authkey.')
  await task.sleep(TIMES.keys)
  const member = { name: node.name, nodeid: o.nodeid, votes: o.votes, ...rings(node, o) }
  node.config.corosync = { name: o.name, version: 1, nodes: [member] }
  node.nodeid = o.nodeid
  task.log('Writing corosync config to /etc/pve/corosync.conf')
  task.log('Restart corosync and cluster filesystem')
  node.restarting = true
  try {
    await task.sleep(TIMES.restart)
  } finally {
    delete node.restarting
  }
  emit(sim, { kind: 'membership', node })
}

/** What keeps a host out of any cluster, each as a line of the worker's log. */
function objections(node: SimNode, { link0, link1 }: Links): string[] {
  const own = node.interfaces.map(({ address }) => String(address ?? ''))
  const notOwn = Object.entries({ link0, link1 }).filter(
    ([, link]) => link !== undefined && !own.includes(addressOf(link)),
  )
  return [
    ...(node.config.corosync
      ? [
          "* authentication key '/etc/corosync/authkey' already exists",
          "* cluster config '/etc/pve/corosync.conf' already exists",
        ]
      : []),
    ...(node.config.guests.size > 0 ? ['* this host already contains virtual guests'] : []),
    ...(node.config.corosync ? ['* corosync is already running, is this node already in a cluster?!'] : []),
    ...notOwn.map(([name, link]) => `* ${name}: cannot use IP '${addressOf(link!)}', not found on local node!\n`),
  ]
}

interface JoinRequest extends Links {
  hostname: string
  fingerprint: string
  password: string
  nodeid: number | undefined
  votes: number
}

/** What the worker of `POST /cluster/config/join` does on the joining host. */
export async function joinCluster(sim: SimCluster, node: SimNode, task: TaskHandle, o: JoinRequest) {
  const found = objections(node, o)
  if (found.length > 0) {
    task.log('detected the following error(s):')
    task.log(found.join('\n'))
    throw fail('Check if node may join a cluster failed!')
  }
  const member = await login(sim, node, task, o)
  task.log('check cluster join API version')
  task.log('Request addition of this node')
  await task.sleep(TIMES.request)
  addMember(sim, member, { name: node.name, nodeid: o.nodeid, votes: o.votes, ...rings(node, o) })
  task.log('Join request OK, finishing setup locally')
  task.log('stopping pve-cluster service')
  await task.sleep(TIMES.stop)
  await takeOver(sim, node, member, task)
}

async function login(sim: SimCluster, node: SimNode, task: TaskHandle, o: JoinRequest): Promise<SimNode> {
  task.log(`Establishing API connection with host '${o.hostname}'`)
  await task.sleep(TIMES.login)
  const member = sim.nodes.find((other) => other.ip === o.hostname || other.name === o.hostname)
  if (!member || !reaches(node, member)) {
    await task.sleep(3)
    throw fail(`500 Can't connect to ${o.hostname}:8006 (No route to host)`)
  }
  const { fingerprint } = member.certificate
  if (fingerprint !== o.fingerprint.toUpperCase()) throw fail(`fingerprint '${fingerprint}' not verified, abort!`)
  if (member.shadow.get('root@pam') !== o.password) throw fail('401 authentication failure')
  if (member.config.access.users.get('root@pam')?.tfa) {
    throw fail('TFA-enabled login currently works only with a TTY.')
  }
  task.log('Login succeeded.')
  return member
}

/** Writes the new member into the cluster's corosync.conf, as `POST /cluster/config/nodes/{node}` does. */
export function addMember(
  sim: SimCluster,
  member: SimNode,
  entry: Omit<CorosyncNode, 'nodeid'> & { nodeid: number | undefined },
) {
  const { corosync } = member.config
  if (!corosync) throw fail('unable to add node: no cluster configured on this host')
  if (!isQuorate(sim, member)) throw fail('cluster not ready - no quorum?')
  if (corosync.nodes.some(({ name }) => name === entry.name)) {
    throw fail(`can't add existing node '${entry.name}'`)
  }
  const used = corosync.nodes.find(({ nodeid }) => nodeid === entry.nodeid)
  if (used) throw fail(`can't add node '${entry.name}', nodeid ${entry.nodeid} is taken by '${used.name}'`)
  const ids = corosync.nodes.map(({ nodeid }) => nodeid)
  let nodeid = 1
  while (ids.includes(nodeid)) nodeid += 1
  corosync.nodes.push({ ...entry, nodeid: entry.nodeid ?? nodeid })
  corosync.version += 1
}

/** The joining host forgets what it was: users, tokens, storages, tickets; its certificate is the cluster's from now on. */
async function takeOver(sim: SimCluster, node: SimNode, member: SimNode, task: TaskHandle) {
  task.log(`backup old database to '/var/lib/pve-cluster/backup/config-${Math.floor(sim.clock.now())}.sql.gz'`)
  node.nodeid = member.config.corosync!.nodes.find(({ name }) => name === node.name)!.nodeid
  node.member = false
  node.isolated = true
  node.restarting = true
  node.config = member.config
  try {
    await task.sleep(TIMES.quorum)
    while (!wouldBeQuorate(sim, member, node)) await task.sleep(1)
  } finally {
    delete node.restarting
  }
  node.member = true
  node.isolated = false
  emit(sim, { kind: 'membership', node })
  task.log('waiting for quorum...OK')
  task.log('(re)generate node files')
  task.log('generate new node certificate')
  task.log('merge authorized SSH keys')
  await task.sleep(TIMES.certificate)
  node.certificate = await makeNodeCertificate(node.config.authority, node, Date.now())
  task.log('generated new node certificate, restart pveproxy and pvedaemon services')
  task.log(`successfully added node '${node.name}' to cluster.`)
  emit(sim, { kind: 'certificate', node })
}

/** Two votes expected and one there: with the new member they are enough. */
function wouldBeQuorate(sim: SimCluster, member: SimNode, node: SimNode): boolean {
  const nodes = member.config.corosync!.nodes
  const votes = nodes.reduce((sum, { votes }) => sum + votes, 0)
  const here = nodes.filter(({ name }) => name === node.name || nodeByName(sim, name)?.member)
  return reaches(node, member) && here.reduce((sum, { votes }) => sum + votes, 0) >= Math.floor(votes / 2) + 1
}

/** `DELETE /cluster/config/nodes/{node}`: the others forget it. It keeps what it had, and sees nobody any more. */
export function removeMember(sim: SimCluster, by: SimNode, name: string) {
  const { corosync } = by.config
  if (!corosync?.nodes.some((entry) => entry.name === name)) {
    throw fail(`Node/IP: ${name} is not a known host of the cluster.`)
  }
  if (name === by.name) throw fail('Cannot delete myself from cluster!')
  if (!isQuorate(sim, by)) throw fail('cluster not ready - no quorum?')
  const removed = nodeByName(sim, name)
  if (removed) {
    removed.config = structuredClone(removed.frozen ?? removed.config)
    delete removed.frozen
    removed.member = false
    removed.isolated = true
  }
  corosync.nodes = corosync.nodes.filter((entry) => entry.name !== name)
  corosync.version += 1
  if (removed) emit(sim, { kind: 'membership', node: removed })
}
