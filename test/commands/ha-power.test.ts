import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { EffectLook, RunContext } from '../../src/core/worker.ts'
import guestPower from '../../workers/guest-power.ts'
import { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
  await stage.machine(100, 'web1')
  // The HA manager's rounds of ten seconds are then longer than these stories.
  stage.sim.cluster.clock.setSpeed(1)
})

beforeEach(() => {
  site().ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'stopped' } })
})

afterAll(() => stage.close())

const site = () => stage.sim.cluster.nodes[0]!.config

/** Starts the machine under HA; `patience` is what the worker waits with until it runs. */
async function start(patience: RunContext<unknown, never>['until']) {
  const context = {
    payload: guestPower.payload.parse({ vmid: 100, kind: 'qemu', name: 'web1', action: 'start' }),
    job: { id: 'j-1', cluster: 'main' },
    proxmox: stage.proxmox,
    step: (_: string, work: () => Promise<unknown>) => work(),
    effect: (_: string, { act }: EffectLook) => act(),
    async follow(_: string, upid: string) {
      await stage.ended(upid)
      return { upid, exit: 'OK', log: [], starttime: 0 }
    },
    until: patience,
    say: (key: string, values?: object) => (values ? `${key} ${JSON.stringify(values)}` : key),
  } as unknown as RunContext<unknown, never>
  return guestPower.run(context as never)
}

test('asked and not done in time is a warning, since HA may still do it', async () => {
  const looks: unknown[] = []
  const outcome = await start(async (look, { withinMs }) => {
    looks.push(await look(), withinMs)
    return undefined
  })
  expect(looks).toEqual([undefined, 180_000])
  expect(outcome.values).toMatchObject({ node: 'pve1', now: 'asked' })
  expect(outcome.warnings).toEqual([expect.stringMatching(/^notYet .*"vmid":100/)])
  expect(site().ha.resources.get('vm:100')?.keys.state).toBe('started')
})

test('HA may start it on another node, and that is where it is looked for', async () => {
  const outcome = await start(async (look) => {
    expect(await look()).toBeUndefined()
    const guest = site().guests.get(100)!
    guest.node = 'pve2'
    const volumes = stage.sim.cluster.nodes.map((node) => node.local.get('local-lvm')!.volumes)
    volumes[1]!.push(...volumes[0]!.filter(({ vmid }) => vmid === 100))
    site().ha.resources.delete('vm:100')
    await stage.ended(await stage.proxmox.guestPower({ node: 'pve2', kind: 'qemu', vmid: 100 }, 'start'))
    return look()
  })
  expect(outcome.values).toMatchObject({ node: 'pve2', now: 'running' })
  expect(outcome.warnings).toEqual(['elsewhere {"node":"pve2"}'])
})
