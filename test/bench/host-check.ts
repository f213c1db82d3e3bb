import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { introduceHosts, makeHost } from '../../src/lab/hosts.ts'
import type { Site } from '../../src/lab/scenarios.ts'
import { Crew } from '../crew.ts'
import { type Figure, round } from './figures.ts'
import type { Stage } from './stage.ts'

const count = 16
const target = 3000

const names = Array.from({ length: count }, (_, i) => `pve${i + 1}`)

/** Installed hosts and no cluster: fifteen of them are seen by nobody but root. */
const site: Site = {
  name: 'sixteen lone hosts',
  hosts: names.map((name, i) => ({ name, ip: `172.16.1.${101 + i}`, domain: 'lab.test' })),
  ha: 'stopped',
  fill(sim, identities, secrets) {
    sim.nodes = site.hosts.map((host, i) =>
      makeHost(sim, { ...host, ...identities[i]!, uptime: 3600, rootPassword: secrets.rootPassword }),
    )
    introduceHosts(sim.nodes)
    const { access } = sim.nodes[0]!.config
    const token = (tokenid: string, secret: string) =>
      [tokenid, { tokenid, secret, privsep: false, expire: 0 }] as const
    const tokens = new Map([token('bot', secrets.bot), token('read', secrets.read)])
    access.users.set('quorum@pve', { userid: 'quorum@pve', enable: true, expire: 0, groups: [], tokens })
    access.acl.push({ path: '/', type: 'user', ugid: 'quorum@pve', roleid: 'Administrator', propagate: true })
  },
}

/** From typing `host check` to its table, fifteen hosts being measured by a worker with root's password and one by the bot. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const crew = await Crew.start({ scenario: site })
  stage.defer(() => crew.close())
  const { sim } = crew
  await writeFile(join(crew.folder, 'ca.pem'), sim.ca)
  const { password } = sim.root
  const hosts = sim.cluster.nodes.map(({ name, certificate }, i) => ({
    ...{ name, endpoint: sim.endpoints[i], password },
    tls: { fingerprints: [certificate.fingerprint] },
  }))
  const tokens = { read: sim.readToken, act: sim.token }
  const cluster = { name: 'main', endpoints: [sim.endpoints[0]], tokens, tls: { ca: join(crew.folder, 'ca.pem') } }
  const more = { hosts, clusters: [cluster] }
  const [chat] = await Promise.all([crew.bot('check', more), crew.worker('check', more, ['--root'])])
  const start = performance.now()
  await chat.say('viewer', 'host check')
  const { message } = await chat.card(({ table }) => table !== undefined, 'the table', 'general', 20_000)
  const first = round(performance.now() - start)
  const online = message.table!.rows[0]!.join(' ')
  if (/not measured/.test(online)) throw new Error(`not all were measured: ${online}`)
  return [
    {
      name: 'host-check',
      what: `from typing \`host check\` to its table, for ${count} hosts that are in no cluster`,
      unit: 'ms',
      samples: 1,
      measured: { first },
      floor: {},
      target: `first < ${target}`,
      holds: first < target,
    },
  ]
}
