import { z } from 'zod'
import { arg } from '../src/core/args.ts'
import { answer, defineCommand } from '../src/core/command.ts'
import { findGuest } from '../src/core/find.ts'
import { drivesOf } from '../src/core/guest.ts'
import { findManaged, type HaSite, readHa, sidOf, unreachable } from '../src/core/ha.ts'
import { fill } from '../src/core/language.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxPort } from '../src/core/ports.ts'
import { affinitiesOf } from '../src/ha/affinity.ts'
import { type ReasonCode, whyOf } from '../src/ha/why.ts'

/** How it stands, for the colour of the card; what is not named here is as wanted. */
const bad: readonly ReasonCode[] = [
  'disk-lost',
  'no-quorum',
  'error',
  'gave-up',
  'wrong-node',
  'frozen-node-gone',
  'no-target-strict',
]
const calm: readonly ReasonCode[] = [
  'runs-as-wanted',
  'on-favourite',
  'follows',
  'off-as-wanted',
  'off-disabled',
  'runs-unmanaged',
  'off-unmanaged',
  'not-under-ha',
]

/** Why a guest is where it is and as it is, in words; "not known" rather than a guess. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Why a machine did not move or start, or runs where it runs',
      args: { guest: 'Name or number' },
      words: {
        title: 'Why {name} ({vmid}) is as it is',
        also: 'Also',
        now: 'Now',
        nowAt: '{state} on {node}',
        unknown:
          'Not known: neither the HA manager nor the last tasks say anything about it. See: vm show {vmid}, and the log of the node: journalctl -u pve-ha-lrm -u pve-ha-crm',
      },
    },
    es: {
      summary: 'Por qué una máquina no se mudó o no arrancó, o corre donde corre',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Por qué {name} ({vmid}) está como está',
        also: 'Además',
        now: 'Ahora',
        nowAt: '{state} en {node}',
        unknown:
          'No se sabe: ni el gestor de HA ni las últimas tareas dicen nada de ella. Mira: vm show {vmid}, y el registro del nodo: journalctl -u pve-ha-lrm -u pve-ha-crm',
      },
    },
  },
  examples: [
    { say: 'why web1', answers: true },
    { say: 'why vm:100', answers: true },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const site = await readHa(proxmox, signal)
    const { sid, vmid, name, guest, entry } = subjectOf(site, args.guest, cluster)
    const [config, storages, lastFailed] = await Promise.all([
      guest ? proxmox.guestConfig(guest, { signal }).catch(() => undefined) : undefined,
      proxmox.storageConfig({ signal }).catch(() => []),
      lastFailure(proxmox, vmid, signal),
    ])
    const nodes = site.nodes.map((node) => ({ name: node.name, online: node.status === 'online' }))
    const names = nodes.map((node) => node.name)
    const lacking = storages.length === 0 ? [] : unreachable(config ? drivesOf(config) : [], storages, names)
    const lost = (config ? drivesOf(config) : []).flatMap(({ key, storage, cdrom }) => {
      const row = site.storages.find((one) => one.storage === storage && one.node === guest?.node)
      return storage !== undefined && !cdrom && row?.status === 'unknown' ? [{ key, storage }] : []
    })
    const cause = lastFailed && house.explainLine(lastFailed.raw)?.code
    const resource = site.managed.find((one) => one.sid === sid)
    const reasons = whyOf({
      sid,
      ...(guest ? { guest: { ...guest, ...(config?.lock ? { lock: config.lock } : {}) } } : {}),
      entries: site.entries,
      ...(site.manager ? { manager: site.manager } : {}),
      ...(resource ? { resource } : {}),
      affinities: affinitiesOf({ ...site, resources: site.managed }),
      ignored: (site.rules ?? []).flatMap(({ rule, resources: sids, errors }) =>
        Object.keys(errors).length === 0 ? [] : [{ rule, sids, raw: Object.values(errors).flat().join('; ') }],
      ),
      nodes,
      lost,
      unreachable: lacking.map(({ local, lacking: without, ...one }) => ({
        ...one,
        lacking: local ? names.filter((node) => node !== guest?.node) : without,
      })),
      ...(lastFailed
        ? { lastFailed: { ...lastFailed, ...(cause ? { cause: saysOf(words.errors, cause) } : {}) } }
        : {}),
    })
    const [first, ...others] = reasons.map(({ code, values, raw }) => ({
      code,
      says: `${fill(words.ha.reasons[code], { ...values, vmid }).trim()}${raw ? `\n${raw}` : ''}`,
    }))
    const state =
      first === undefined || calm.includes(first.code) ? 'info' : bad.includes(first.code) ? 'failed' : 'warning'
    const now = entry?.state
      ? ((words.ha.states as Record<string, string>)[entry.state]?.replace('{guest}', String(vmid)) ?? entry.state)
      : words.guestStates[guest?.status ?? 'unknown']
    return answer({
      title: say('title', { name, vmid }),
      state,
      text: first?.says ?? say('unknown', { vmid }),
      fields: [
        {
          name: say('now'),
          value: say('nowAt', { state: now, node: entry?.node || guest?.node || words.say.unknown }),
        },
        ...others.map(({ says }) => ({ name: say('also'), value: says })),
      ],
    })
  },
})

/** The sentence of an error whose places are known here, or none. */
const saysOf = (errors: object, code: string): string => {
  const says = (errors as Record<string, { says: string }>)[code]?.says ?? ''
  return /\{\w+\}/.test(says) ? '' : says
}

function subjectOf(site: HaSite, given: string, cluster: string) {
  const isManaged = site.managed.some(({ sid }) => given.trim() === sid || sid.endsWith(`:${given.trim()}`))
  const found = isManaged ? findManaged(site, given, cluster) : undefined
  const guest = found ? found.guest : findGuest(site.guests, given, cluster)
  const sid = found?.sid ?? sidOf(guest!)
  const entry = site.entries.find((one) => one.type === 'service' && one.sid === sid)
  const vmid = found?.vmid ?? guest!.vmid
  return { sid, vmid, name: guest?.name || String(vmid), guest, entry }
}

/** The guest's newest task, where that one failed: a failure before a task that went well explains nothing any more. */
async function lastFailure(proxmox: ProxmoxPort, vmid: number, signal: AbortSignal) {
  const tasks = await proxmox.clusterTasks({ signal }).catch(() => [])
  const own = tasks.filter(
    ({ id, endtime, type }) => id === String(vmid) && endtime !== undefined && !type.startsWith('ha'),
  )
  const newest = own.sort((a, b) => b.endtime! - a.endtime!)[0]
  if (!newest?.exit || newest.exit === 'OK' || newest.exit.startsWith('WARNINGS')) return undefined
  return { type: newest.type, node: newest.node, raw: newest.exit }
}
