import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import {
  findManaged,
  type HaSite,
  haDecidedOn,
  readHa,
  refuseFirst,
  refuseWithoutQuorum,
  someNode,
  standingBy,
} from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { affinitiesOf } from '../../src/ha/affinity.ts'
import {
  after,
  type HaChange,
  needed,
  type ResourceSettings,
  settingsOf,
  shellOf,
  shown,
} from '../../src/ha/changes.ts'
import { conflictsOf, conflictsWith } from '../../src/ha/conflicts.ts'
import { joining } from '../../src/ha/joining.ts'
import haConfig from '../../workers/ha-config.ts'

/** Changes what HA wants of a guest, or which nodes it prefers. What is not named stays as it is. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({
    guest: arg.guest(),
    state: arg.choice(['started', 'stopped', 'disabled', 'ignored']).optional(),
    restart: arg.integer({ min: 0, max: 10 }).optional(),
    relocate: arg.integer({ min: 0, max: 10 }).optional(),
    failback: arg.boolean().optional(),
    prefer: arg.text().optional(),
    comment: arg.text().optional(),
  }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Change what HA wants of a machine; also the way out of the error state',
      args: {
        guest: 'Name or number',
        state: 'started, stopped (recovered, not started), disabled (left alone), ignored',
        restart: 'How often a failed start is tried again on the same node',
        relocate: 'How many other nodes are tried after that',
        failback: 'Since Proxmox VE 9: whether it goes home when its node is back',
        prefer: 'Name of a preference, or none',
        comment: 'What people should know; none takes it away',
      },
      words: {
        title: 'HA settings of {name} ({vmid})',
        out: 'It leaves the error state by being disabled once. When it says "disabled": ha set {vmid} state:started',
        off: 'HA stops it, as it would be shut down.',
        disarmed: 'HA is disarmed: it takes nothing until somebody arms it. See: ha arm',
      },
      refusals: {
        'ha-no-failback': {
          says: 'Before Proxmox VE 9 failback belongs to the group, not to the machine.',
          hint: 'ha-manager groupset GROUP --nofailback 1',
        },
      },
    },
    es: {
      summary: 'Cambiar lo que HA quiere de una máquina; también la salida del estado de error',
      args: {
        guest: 'Nombre o número',
        state: 'started, stopped (se recupera, sin encender), disabled (sin tocar), ignored',
        restart: 'Cuántas veces se reintenta en el mismo nodo un arranque que falló',
        relocate: 'Cuántos otros nodos se prueban después',
        failback: 'Desde Proxmox VE 9: si vuelve a casa cuando su nodo regresa',
        prefer: 'Nombre de una preferencia, o none para ninguna',
        comment: 'Lo que otros deberían saber; none lo quita',
      },
      words: {
        title: 'Ajustes de HA de {name} ({vmid})',
        out: 'Sale del estado de error al desactivarla una vez. Cuando diga «disabled»: ha set {vmid} state:started',
        off: 'HA la apaga, como si se le pidiera apagarse.',
        disarmed: 'HA está desarmada: no toma nada hasta que alguien la arme. Mira: ha arm',
      },
      refusals: {
        'ha-no-failback': {
          says: 'Antes de Proxmox VE 9 el failback es del grupo, no de la máquina.',
          hint: 'ha-manager groupset GROUP --nofailback 1',
        },
      },
    },
  },
  examples: [
    { say: 'ha set ha1 restart:3', plans: 'ha-config' },
    { say: 'ha set ha1', refuses: 'ha-nothing-to-change' },
    { say: 'ha set db1 state:stopped', refuses: 'ha-not-under' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, say: shared } = house.words[asker.language]
    const [site, drafts] = await Promise.all([readHa(proxmox, signal), house.drafts.list(cluster)])
    refuseWithoutQuorum(site, cluster)
    const { sid, name, vmid, resource } = findManaged(site, args.guest, cluster)
    const nine = site.rules !== undefined
    if (args.failback !== undefined && !nine) throw new Refused('ha-no-failback')
    const entry = site.entries.find((one) => one.sid === sid)
    const inError = (entry?.crmState ?? entry?.state) === 'error'
    // Already on its way out: it must say "disabled" before anything else is taken.
    if (inError && args.state !== 'disabled') throw new Refused('ha-error-first', { name, guest: vmid })
    const was = settingsOf(resource, nine)
    const prefers = args.prefer?.toLowerCase() === 'none' ? undefined : args.prefer
    const joined = args.prefer !== undefined && nine ? joining(site.rules!, drafts, sid, prefers) : []
    if (!joined || (!nine && prefers !== undefined && !hasGroup(site, prefers)))
      throw new Refused('ha-no-rule', { rule: prefers ?? '' })
    const to = changed(was, args, nine ? undefined : { prefers, given: args.prefer !== undefined })
    const changes = needed([{ what: 'resource', id: sid, was, to }, ...joined] satisfies HaChange[])
    if (changes.length === 0) throw new Refused('ha-nothing-to-change', { what: name })
    const names = site.nodes.map((one) => one.name)
    const future = after(
      affinitiesOf({ ...site, resources: site.managed }),
      changes,
      site.managed.map((one) => one.sid),
    )
    if (prefers !== undefined) {
      const where = { nodes: names, managed: future.managed, mayBeEmpty: !nine }
      refuseFirst(conflictsWith(conflictsOf(future.affinities, where), prefers))
    }
    const words = { ...ha, yes: shared.yes, no: shared.no, none: shared.none }
    const standing = standingBy(site)
    const waits = args.state !== undefined && !standing
    const goesOff = (args.state === 'stopped' || args.state === 'disabled') && entry?.state === 'started'
    return run(haConfig.job({ changes, ...(waits ? { awaits: { sid, name, state: args.state! } } : {}) }), {
      title: say('title', { name, vmid }),
      node: someNode(site),
      shows: shown(changes, words),
      warnings: [
        ...(inError ? [say('out', { vmid })] : []),
        ...(goesOff ? [say('off')] : []),
        ...(standing ? [say('disarmed')] : []),
      ],
      explain: {
        shell: changes.map(shellOf),
        clicks: [
          ha.clicks.open,
          fill(ha.clicks.edit, { sid }),
          ...joined.map(({ id }) => fill(ha.clicks.rules, { rule: id })),
        ],
      },
      state: { ha: haDecidedOn(site), inError },
    })
  },
})

const hasGroup = ({ groups = [] }: HaSite, name: string) => groups.some(({ group }) => group === name)

interface Wanted {
  state?: ResourceSettings['state'] | undefined
  restart?: number | undefined
  relocate?: number | undefined
  failback?: boolean | undefined
  comment?: string | undefined
}

function changed(
  was: ResourceSettings,
  { state, restart, relocate, failback, comment }: Wanted,
  group: { prefers: string | undefined; given: boolean } | undefined,
): ResourceSettings {
  const to: ResourceSettings = {
    ...was,
    state: state ?? was.state,
    maxRestart: restart ?? was.maxRestart,
    maxRelocate: relocate ?? was.maxRelocate,
    ...(failback === undefined ? {} : { failback }),
    ...(comment === undefined ? {} : { comment }),
    ...(group?.given ? { group: group.prefers } : {}),
  }
  if (comment?.toLowerCase() === 'none') delete to.comment
  if (to.group === undefined) delete to.group
  return to
}
