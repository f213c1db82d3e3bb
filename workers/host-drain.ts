import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import { defineWorker } from '../src/core/worker.ts'
import { marked, unmarked } from '../src/ha/drain.ts'
import { placeOf } from './ha-move.ts'

const takenWithinMs = 60_000
const movedWithinMs = 6 * 3600_000

const move = z.object({
  sid: z.string(),
  name: z.string(),
  target: z.string(),
  ha: z.boolean(),
  running: z.boolean(),
  localDisks: z.boolean(),
})

/**
 * Empties a node, guest by guest. What would go straight home again has its failback set aside first, with a mark in its
 * comment that `host undrain` finds. One that cannot be moved is left and named; the others go on.
 */
export default defineWorker({
  payload: z.object({
    node: z.string(),
    moves: z.array(move),
    /** Resources, or before 9.0 groups, whose failback is set aside; with the comment that they have. */
    aside: z.array(z.object({ what: z.enum(['resource', 'group']), id: z.string(), comment: z.string().optional() })),
  }),
  needs: [
    reads.cluster,
    { path: '/', privileges: ['Sys.Console'] },
    { path: '/vms/{vmid}', privileges: ['VM.Migrate'] },
  ],
  locks: ({ node, moves }) => ['ha', `node:${node}`, ...moves.map(({ sid }) => `guest:${numberOf(sid)}`)],
  text: {
    en: {
      title: 'Drain {node}',
      steps: {
        aside: 'Set failback aside',
        look: 'Look where it is',
        move: 'Move it',
        moved: 'Wait until it is there',
        check: 'See what is left',
      },
      done: '{node}: {moved} moved, {left} left',
      words: {
        left: '{name} ({sid}) is left: {why}',
        still: 'it is still there',
        asideLeft: 'Failback of {id} is set aside. To restore it: host undrain {node}',
        slow: 'it did not arrive in time',
        dropped: 'the HA manager did not take it up',
        blocked: 'a rule keeps it apart from {sids}',
      },
    },
    es: {
      title: 'Vaciar {node}',
      steps: {
        aside: 'Apartar el failback',
        look: 'Ver dónde está',
        move: 'Mudarla',
        moved: 'Esperar a que llegue',
        check: 'Ver qué queda',
      },
      done: '{node}: {moved} mudadas, {left} quedan',
      words: {
        left: '{name} ({sid}) queda: {why}',
        still: 'sigue ahí',
        asideLeft: 'El failback de {id} está apartado. Para restaurarlo: host undrain {node}',
        slow: 'no llegó a tiempo',
        dropped: 'el gestor de HA no tomó el pedido',
        blocked: 'una regla la mantiene separada de {sids}',
      },
    },
  },
  titled: ({ node }) => ({ node }),
  async run({ payload: { node, moves, aside }, proxmox, step, change, effect, follow, until, say }) {
    for (const [i, { what, id, comment }] of aside.entries()) {
      const look = {
        call: `PUT /cluster/ha/${what}s/${id}`,
        id,
        isSo: async () => unmarked(await commentOf(proxmox, what, id), node) !== undefined,
        act: () =>
          what === 'resource'
            ? proxmox.updateHaResource(id, { failback: false, comment: marked(comment, node) })
            : proxmox.updateHaGroup(id, { nofailback: true, comment: marked(comment, node) }),
      }
      await change('aside', look, i + 1)
    }
    const failed: Record<string, string> = {}
    for (const [i, one] of moves.entries()) {
      const round = i + 1
      const at = await step('look', () => nodeOf(proxmox, one.sid), round)
      if (at !== node) continue
      try {
        const why = one.ha ? await byHa(one, round) : await byProxmox(one, round)
        if (why !== undefined) failed[one.sid] = why
      } catch (error) {
        // One that Proxmox refuses to move does not keep the others.
        if (!(error instanceof Refused)) throw error
        failed[one.sid] = error.raw ?? error.code
      }
    }
    return step('check', async () => {
      const { guests } = await proxmox.resources()
      const left = guests.filter((guest) => guest.node === node)
      const sids = new Set(left.map(({ kind, vmid }) => `${kind === 'qemu' ? 'vm' : 'ct'}:${vmid}`))
      const moved = moves.filter(({ sid }) => !sids.has(sid)).length
      const warnings = left.map(({ name, kind, vmid }) => {
        const sid = `${kind === 'qemu' ? 'vm' : 'ct'}:${vmid}`
        return say('left', { name, sid, why: failed[sid] ?? say('still') })
      })
      return { values: { node, moved, left: left.length }, warnings }
    })

    async function byHa({ sid, target }: z.output<typeof move>, round: number): Promise<string | undefined> {
      let blocked: string | undefined
      const place = () => placeOf(proxmox, sid).catch(() => undefined)
      await change(
        'move',
        {
          call: `POST /cluster/ha/resources/${sid}/migrate`,
          id: sid,
          isSo: async () => (await placeOf(proxmox, sid))?.heading === target,
          async act() {
            const { blocking } = await proxmox.moveHaResource(sid, 'migrate', target)
            if (blocking.length > 0) blocked = blocking.map((other) => other.sid).join(', ')
          },
          showsWithinMs: takenWithinMs,
        },
        round,
      )
      if (blocked !== undefined) return say('blocked', { sids: blocked })
      return step(
        'moved',
        async () => {
          const begun = async () => ((await place())?.heading === target ? true : undefined)
          if (!(await until(begun, { everyMs: 1000, withinMs: takenWithinMs }))) return say('dropped')
          const arrived = async () => {
            const now = await place()
            return now && (now.settled || now.state === 'error') ? now : undefined
          }
          const end = await until(arrived, { everyMs: 1000, withinMs: movedWithinMs })
          return end?.node === target ? undefined : say('slow')
        },
        round,
      )
    }

    async function byProxmox(one: z.output<typeof move>, round: number): Promise<undefined> {
      const vmid = numberOf(one.sid)
      const kind = one.sid.startsWith('vm:') ? ('qemu' as const) : ('lxc' as const)
      const params =
        kind === 'qemu'
          ? { online: one.running || undefined, 'with-local-disks': one.localDisks || undefined }
          : { restart: one.running || undefined }
      const look = {
        node,
        types: [kind === 'qemu' ? 'qmigrate' : 'vzmigrate'],
        id: String(vmid),
        act: () => proxmox.migrateGuest({ node, kind, vmid }, { target: one.target, ...params }),
      }
      await follow('move', await effect('move', look, round))
      return undefined
    }
  },
  async leftovers({ payload: { node, aside }, proxmox, say }) {
    const found = await Promise.all(
      aside.map(async ({ what, id }) =>
        unmarked(await commentOf(proxmox, what, id), node) === undefined ? [] : [say('asideLeft', { id, node })],
      ),
    )
    return found.flat()
  },
})

const numberOf = (sid: string) => Number(sid.slice(sid.indexOf(':') + 1))

async function nodeOf(proxmox: ProxmoxWriterPort, sid: string): Promise<string> {
  const { guests } = await proxmox.resources()
  return guests.find(({ vmid }) => vmid === numberOf(sid))?.node ?? ''
}

async function commentOf(proxmox: ProxmoxWriterPort, what: 'resource' | 'group', id: string) {
  if (what === 'resource') return (await proxmox.haResources()).find(({ sid }) => sid === id)?.comment
  return (await proxmox.haGroups()).find(({ group }) => group === id)?.comment
}
