import { afterAll, beforeAll, expect, test } from 'vitest'
import { cutNetwork, healNetwork } from '../src/lab/power.ts'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { createProxmox } from '../src/proxmox/client.ts'
import { doubting } from '../src/proxmox/doubting.ts'

let sim: RunningSim
beforeAll(async () => {
  sim = await startSim({ port: 0, seed: 3, speed: 1 })
})
afterAll(() => sim.close())

const node = (name: string) => sim.cluster.nodes.find((one) => one.name === name)!
function reader() {
  const client = createProxmox({
    cluster: 'lab',
    endpoints: sim.endpoints,
    auth: { token: sim.readToken },
    tls: { ca: sim.ca },
  })
  let at = 0
  const proxmox = doubting(client, () => at)
  const later = () => {
    at += 2_000
  }
  return { client, proxmox, later }
}

test('a node that is cut off is not asked for the cluster; where none has quorum, its answer stands', async () => {
  const { client, proxmox, later } = reader()
  expect((await proxmox.clusterStatus()).members.find(({ local }) => local)?.name).toBe('pve1')
  cutNetwork(sim.cluster, node('pve1'))
  await sim.cluster.clock.advance(10)
  later()
  const [status, { nodes }, manager] = await Promise.all([
    proxmox.clusterStatus(),
    proxmox.resources(),
    proxmox.managerStatus(),
  ])
  expect(status.cluster?.quorate).toBe(true)
  expect(nodes.filter((one) => one.status === 'online').map(({ name }) => name)).toEqual(['pve2', 'pve3'])
  expect(manager.quorate).toBe(true)
  cutNetwork(sim.cluster, node('pve2'))
  await sim.cluster.clock.advance(10)
  later()
  expect((await proxmox.clusterStatus()).cluster?.quorate).toBe(false)
  for (const name of ['pve1', 'pve2']) healNetwork(sim.cluster, node(name))
  await client.close()
})
