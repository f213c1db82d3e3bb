import { afterAll, beforeAll, expect, test } from 'vitest'
import { markOf } from '../../src/core/vmid.ts'
import type { EffectLook, RunContext } from '../../src/core/worker.ts'
import vmClone from '../../workers/vm-clone.ts'
import { Stage } from './stage.ts'

/** Slow enough for a full clone of 16 GiB to be under way while it is looked at. */
let stage: Stage

beforeAll(async () => {
  stage = await Stage.open({ speed: 2 })
})

afterAll(() => stage.close())

const source = { node: 'pve1', kind: 'qemu' as const, vmid: 9000 }

const clone = (newid: number, job: string) =>
  stage.proxmox.cloneGuest(source, { newid, name: job, full: true, description: markOf(job) })

class Stopped extends Error {}

/**
 * Runs the worker of a job that Redis has forgotten everything about, up to its effect, which is not caused: what it
 * chose, and how it recognises its task.
 */
async function upToEffect(job: string, at: number, claimedByOthers: string[] = []) {
  let chosen: number | undefined
  let look: EffectLook | undefined
  const context = {
    payload: vmClone.payload.parse({ source: 9000, name: job, node: 'pve1', full: true }),
    job: { id: job, cluster: 'main', ordered: { node: 'pve1', at } },
    proxmox: stage.proxmox,
    async step(name: string, work: () => Promise<unknown>) {
      const result = await work()
      if (name === 'choose') chosen = result as number
      return result
    },
    async effect(_: string, found: EffectLook) {
      look = found
      throw new Stopped()
    },
    claim: async (name: string) => !claimedByOthers.includes(name),
    async until(work: () => Promise<unknown>, { withinMs }: { withinMs: number }) {
      for (const end = Date.now() + withinMs; ; ) {
        const value = await work()
        if (value !== undefined || Date.now() > end) return value
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    shows: async () => {},
    say: (key: string) => key,
  } as unknown as RunContext<unknown, never>
  await expect(vmClone.run(context as never)).rejects.toBeInstanceOf(Stopped)
  return { chosen, look: look! }
}

test('of several clones of one template, a job knows its own by the number, running or ended', async () => {
  const at = await stage.proxmox.nodeTime('pve1')
  const [ours, theirs] = [await clone(201, 'j-ours'), await clone(202, 'j-theirs')]
  const running = (upid: string) => ({ upid, id: '9000', running: true })

  const { chosen, look } = await upToEffect('j-ours', at, ['vmid:202'])
  expect(look).toMatchObject({ node: 'pve1', types: ['qmclone'], id: '9000' })
  expect(chosen).toBe(201)
  expect(await look.mine!(running(ours))).toBe(true)
  expect(await look.mine!(running(theirs))).toBe(false)

  stage.sim.cluster.clock.setSpeed(200)
  await Promise.all([stage.ended(ours), stage.ended(theirs)])
  const ended = await upToEffect('j-ours', at, ['vmid:201', 'vmid:202'])
  expect(ended.chosen, 'by the mark in its description').toBe(201)
  expect(await ended.look.mine!({ upid: ours, id: '9000', running: false })).toBe(true)
  expect(await ended.look.mine!({ upid: theirs, id: '9000', running: false })).toBe(false)

  const other = await upToEffect('j-new', at)
  expect([100, 203]).toContain(other.chosen)
})
