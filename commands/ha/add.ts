import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { drivesOf, type GuestFacts, readGuest } from '../../src/core/guest.ts'
import {
  type HaSite,
  haDecidedOn,
  readHa,
  refuseFirst,
  refuseWithoutQuorum,
  standingBy,
  unreachable,
} from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import type { ProxmoxPort } from '../../src/core/ports.ts'
import { redundancyRisks, type StorageRisk, toldRisk, unreachedOn } from '../../src/core/storage-risks.ts'
import { affinitiesOf, allowed, favourites, preferenceOf } from '../../src/ha/affinity.ts'
import { after, type HaChange, type ResourceSettings, shellOf, shown } from '../../src/ha/changes.ts'
import { conflictsOf, conflictsWith } from '../../src/ha/conflicts.ts'
import { joining } from '../../src/ha/joining.ts'
import { hindrances } from '../../src/ha/movable.ts'
import type { StorageConfig } from '../../src/proxmox/port.ts'
import haConfig from '../../workers/ha-config.ts'

/**
 * Puts a guest under HA. What would keep it from starting on another node is named before, since Proxmox takes it and
 * fails when it matters.
 */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({
    guest: arg.guest(),
    prefer: arg.text().optional(),
    restart: arg.integer({ min: 0, max: 10 }).prefault('1'),
    relocate: arg.integer({ min: 0, max: 10 }).prefault('1'),
    state: arg.choice(['started', 'stopped', 'disabled', 'ignored']).prefault('started'),
    failback: arg.boolean().optional(),
    comment: arg.text().optional(),
    anyway: arg.boolean().optional(),
  }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Put a machine under high availability',
      args: {
        guest: 'Name or number',
        prefer: 'Name of a preference: see ha prefer, ha rules',
        restart: 'How often a failed start is tried again on the same node',
        relocate: 'How many other nodes are tried after that',
        state: 'What is wanted: started, stopped (recovered, not started), disabled, ignored',
        failback: 'Since Proxmox VE 9: whether it goes home when its node is back',
        comment: 'What people should know',
        anyway: 'true: although something keeps it from starting on other nodes',
      },
      words: {
        title: 'Put {name} ({vmid}) under high availability',
        starts: 'HA starts it: it is off now.',
        stops: 'HA stops it: it runs now.',
        goes: 'It moves from {node} to {target}, which {rule} puts first, as soon as HA has it.',
        alone: 'This cluster has {count} nodes; high availability needs three for a majority when one fails.',
        noFailback: 'Before Proxmox VE 9 failback belongs to the group, so it is left out here.',
        disarmed: 'HA is disarmed: it takes nothing until somebody arms it. See: ha arm',
      },
      refusals: {
        'ha-already': { says: '{name} is under high availability already.', hint: 'ha set {vmid} state:started' },
      },
    },
    es: {
      summary: 'Poner una máquina bajo alta disponibilidad',
      args: {
        guest: 'Nombre o número',
        prefer: 'Nombre de una preferencia: mira ha prefer, ha rules',
        restart: 'Cuántas veces se reintenta en el mismo nodo un arranque que falló',
        relocate: 'Cuántos otros nodos se prueban después',
        state: 'Qué se quiere: started, stopped (se recupera, sin encender), disabled, ignored',
        failback: 'Desde Proxmox VE 9: si vuelve a casa cuando su nodo regresa',
        comment: 'Lo que otros deberían saber',
        anyway: 'true: aunque algo le impida arrancar en otros nodos',
      },
      words: {
        title: 'Poner {name} ({vmid}) bajo alta disponibilidad',
        starts: 'HA la enciende: ahora está apagada.',
        stops: 'HA la apaga: ahora está encendida.',
        goes: 'Se muda de {node} a {target}, que {rule} pone primero, apenas HA la tome.',
        alone:
          'Este clúster tiene {count} nodos; la alta disponibilidad necesita tres para tener mayoría si falla uno.',
        noFailback: 'Antes de Proxmox VE 9 el failback es del grupo, así que aquí no se usa.',
        disarmed: 'HA está desarmada: no toma nada hasta que alguien la arme. Mira: ha arm',
      },
      refusals: {
        'ha-already': { says: '{name} ya está bajo alta disponibilidad.', hint: 'ha set {vmid} state:started' },
      },
    },
  },
  examples: [
    { say: 'ha add web1 restart:1 relocate:1 anyway:true', plans: 'ha-config' },
    { say: 'ha add web1', refuses: 'ha-local-disk' },
    { say: 'ha add ha1', refuses: 'ha-already' },
    { say: 'ha add 9000', refuses: 'ha-template' },
    { say: 'ha add db1 prefer:nothing', refuses: 'ha-no-rule' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, say: shared } = house.words[asker.language]
    const [site, facts, drafts] = await Promise.all([
      readHa(proxmox, signal),
      readGuest(proxmox, args.guest, cluster, signal),
      house.drafts.list(cluster),
    ])
    refuseWithoutQuorum(site, cluster)
    const { guest, sid, state } = facts
    const { name, vmid, node } = guest
    if (site.managed.some((one) => one.sid === sid)) throw new Refused('ha-already', { name, vmid })
    const nine = site.rules !== undefined
    const to = resourceOf(args, nine)
    const joined =
      args.prefer === undefined
        ? []
        : nine
          ? joining(site.rules!, drafts, sid, args.prefer)
          : inGroup(site, args.prefer)
    if (!joined) throw new Refused('ha-no-rule', { rule: args.prefer ?? '' })
    const changes: HaChange[] = [{ what: 'resource', id: sid, was: null, to }, ...joined]
    const future = after(
      affinitiesOf({ ...site, resources: site.managed }),
      changes,
      site.managed.map((one) => one.sid),
    )
    const names = site.nodes.map((one) => one.name)
    if (args.prefer !== undefined) {
      const where = { nodes: names, managed: future.managed, mayBeEmpty: !nine }
      refuseFirst(conflictsWith(conflictsOf(future.affinities, where), args.prefer))
    }
    const targets = allowed(future.affinities, sid, names)
    const sections = await proxmox.storageConfig({ signal })
    const drives = drivesOf(facts.config)
    const lacking = unreachable(drives, sections, targets)
    const found = hindrances({ template: guest.template, config: facts.config, drives, lacking })
    const risks = await risksBelow(proxmox, { facts, sections, targets }, signal)
    const told = found.map(({ code, values }) => ({
      code,
      values: {
        ...values,
        name,
        guest: vmid,
      },
    }))
    const firm = told.filter(({ code }) => code === 'ha-template' || !args.anyway)
    refuseFirst(firm)
    const online = site.nodes.filter((one) => one.status === 'online').map((one) => one.name)
    const first = favourites(future.affinities, sid, online)
    const words = { ...ha, yes: shared.yes, no: shared.no, none: shared.none }
    const { errors } = house.words[asker.language]
    const standing = standingBy(site)
    return run(haConfig.job({ changes, ...(standing ? {} : { awaits: { sid, name, state: args.state } }) }), {
      title: say('title', { name, vmid }),
      node,
      shows: shown(changes, words),
      warnings: [
        ...told.map(({ code, values }) => fill(errors[code].says, values)),
        ...risks.map((risk) => toldRisk(risk, house.words[asker.language])),
        ...(args.state === 'started' && state.status === 'stopped' ? [say('starts')] : []),
        ...((args.state === 'stopped' || args.state === 'disabled') && state.status === 'running'
          ? [say('stops')]
          : []),
        ...(first.includes(node) || first.length === 0
          ? []
          : [say('goes', { node, target: first.join(', '), rule: preferenceOf(future.affinities, sid)?.name ?? '' })]),
        ...(names.length < 3 ? [say('alone', { count: names.length })] : []),
        ...(args.failback !== undefined && !nine ? [say('noFailback')] : []),
        ...(standing ? [say('disarmed')] : []),
      ],
      explain: {
        shell: changes.map(shellOf),
        clicks: [
          ha.clicks.open,
          fill(ha.clicks.add, { guest: vmid }),
          ...(joined.length > 0 ? [fill(ha.clicks.rules, { rule: args.prefer })] : []),
        ],
      },
      state: { ha: haDecidedOn(site), node, config: facts.config.digest },
    })
  },
})

interface Wanted {
  state: ResourceSettings['state']
  restart: number
  relocate: number
  failback?: boolean | undefined
  comment?: string | undefined
  prefer?: string | undefined
}

const resourceOf = (
  { state, restart, relocate, failback, comment, prefer }: Wanted,
  nine: boolean,
): ResourceSettings => ({
  state,
  maxRestart: restart,
  maxRelocate: relocate,
  ...(nine ? { failback: failback ?? true } : {}),
  ...(prefer !== undefined && !nine ? { group: prefer } : {}),
  ...(comment === undefined ? {} : { comment }),
})

/** Before Proxmox VE 9 the guest itself names its group. */
const inGroup = ({ groups = [] }: HaSite, name: string): HaChange[] | undefined =>
  groups.some(({ group }) => group === name) ? [] : undefined

/** What Proxmox takes without a word: a node that does not reach its disk now, a disk that is not as safe as it sounds. */
async function risksBelow(
  proxmox: ProxmoxPort,
  o: { facts: GuestFacts; sections: StorageConfig[]; targets: readonly string[] },
  signal: AbortSignal,
): Promise<StorageRisk[]> {
  const { guest, config } = o.facts
  const used = [...new Set(drivesOf(config).flatMap(({ storage }) => storage ?? []))]
  const away = used.flatMap((storage): StorageRisk[] => {
    const nodes = unreachedOn(storage, o.targets, o.facts)
    const values = { storage, nodes: nodes.join(', '), guests: `${guest.name} (${guest.vmid})` }
    return nodes.length > 0 ? [{ code: 'unreached', storage, values }] : []
  })
  const own = o.sections.filter(({ storage }) => used.includes(storage))
  return [...away, ...(await redundancyRisks(proxmox, own, o.facts.nodes, signal))]
}
