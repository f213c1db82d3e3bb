/** Where the guests of a node can go when it is emptied, and which of them must stay. Pure. */
import { allowed } from './affinity.ts'
import { impactOf, type Site } from './impact.ts'
import { chooseNode } from './selection.ts'

export interface Move {
  sid: string
  name: string
  target: string
  /** Through the HA manager; else by Proxmox's own migration. */
  ha: boolean
  running: boolean
  /** Its own node's disks are copied along. */
  localDisks: boolean
  /** It would go straight home again: failback is set aside first. */
  bounces: boolean
}

export interface Stay {
  sid: string
  name: string
  why: StayCode
  key: string
}

const stayCodes = [
  'template',
  'local-disk',
  'cdrom',
  'storage',
  'host-file',
  'passthrough',
  'rule',
  'error',
  'disarmed',
  'not-taken',
  'no-node',
] as const
export type StayCode = (typeof stayCodes)[number]

export interface Drain {
  moves: Move[]
  stays: Stay[]
}

/** @param copies disks of the node's own may be copied to the target's storage of the same name */
export function drainOf(site: Site, node: string, copies: boolean): Drain {
  const { fates } = impactOf(site, { node, kind: 'migrate' })
  const drain: Drain = { moves: [], stays: [] }
  const memory = new Map(site.nodes.map((one) => [one.name, one.maxMemory - one.memory]))
  const online = site.nodes.filter((one) => one.online && one.name !== node).map(({ name }) => name)
  for (const guest of site.guests.filter((one) => one.node === node)) {
    const { sid, name, running } = guest
    const managed = site.managed.find((one) => one.sid === sid)
    const fate = fates.find((one) => one.sid === sid)
    const stay = (why: StayCode, key = '') => drain.stays.push({ sid, name, why, key })
    // HA does not copy disks.
    const may = online.filter((one) => hindrance(guest, one, copies && !managed) === undefined)
    const hindered = online.map((one) => hindrance(guest, one, copies && !managed)).find((one) => one !== undefined)
    const tell = () => (hindered ? stay(reasons[hindered.code], hindered.values.key) : stay('no-node'))
    if (managed && managed.wanted !== 'ignored') {
      if (managed.state === 'error') stay('error')
      else if (site.disarmed) stay('disarmed')
      else if (managed.node === undefined) stay('not-taken')
      else {
        const places = Object.fromEntries(
          site.managed.flatMap((one) => (one.node === undefined ? [] : [[one.sid, { node: one.node, idle: false }]])),
        )
        const target = fate?.to ?? chooseNode({ sid, affinities: site.affinities, places, online: may })
        if (target !== undefined && may.includes(target)) {
          const bounces = fate?.home === node
          drain.moves.push({ sid, name, target, ha: true, running, localDisks: false, bounces })
        } else if (may.length > 0 && allowed(site.affinities, sid, may).length === 0) stay('rule')
        else tell()
      }
      continue
    }
    const target = [...may].sort((a, b) => (memory.get(b) ?? 0) - (memory.get(a) ?? 0))[0]
    if (target === undefined || (running && (memory.get(target) ?? 0) < guest.memory)) {
      tell()
      continue
    }
    if (running) memory.set(target, (memory.get(target) ?? 0) - guest.memory)
    const localDisks = copies && guest.hindrances.some(({ code }) => code === 'ha-local-disk')
    drain.moves.push({ sid, name, target, ha: false, running, localDisks, bounces: false })
  }
  return drain
}

type Hindrance = Site['guests'][number]['hindrances'][number]

const hindrance = ({ hindrances }: Site['guests'][number], node: string, copies: boolean): Hindrance | undefined =>
  hindrances.find(
    ({ code, values }) =>
      !(copies && code === 'ha-local-disk') && (values.nodes === '' || values.nodes.split(', ').includes(node)),
  )

const reasons: Record<Hindrance['code'], StayCode> = {
  'ha-template': 'template',
  'ha-local-disk': 'local-disk',
  'ha-cdrom': 'cdrom',
  'ha-storage': 'storage',
  'ha-host-file': 'host-file',
  'ha-passthrough': 'passthrough',
}

/** What is written into the comment of what was set aside, so that the cluster itself knows it, whoever else forgets. */
const markOf = (node: string) => `[quorum: failback off while ${node} is drained]`

export const marked = (comment: string | undefined, node: string): string =>
  [comment, markOf(node)].filter(Boolean).join(' ')

/** Undefined: it has no such mark. */
export function unmarked(comment: string | undefined, node: string): string | undefined {
  if (!comment?.includes(markOf(node))) return undefined
  return comment.replace(markOf(node), '').trim()
}
