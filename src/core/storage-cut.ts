import type { ProxmoxPort } from './ports.ts'
import { twinsOf } from './storage-params.ts'
import { askOnce } from './storage-reach.ts'

type Section = Awaited<ReturnType<ProxmoxPort['storageConfig']>>[number]

/** A storage that one node is to lose, and what is known of it before. */
export interface StorageCut {
  storage: string
  /** What goes with it, itself first. */
  gone: string[]
  /** False: it is a disk of the node's own. */
  shared: boolean
  /** Nodes that reach it now, as each of them says. */
  reachedBy: string[]
}

/** A storage, the other names of the same bytes, and what lies on a LUN of any of them. */
export function goneWith(sections: readonly Section[], storage: string): string[] {
  const same = [storage, ...twinsOf(sections, storage).map((one) => one.storage)]
  const above = sections.filter(({ options }) => options.base !== undefined && same.includes(lunOf(options.base)))
  return [...new Set([...same, ...above.flatMap((one) => goneWith(sections, one.storage))])]
}

/** `array:0.0.0.scsi-36…` → `array`. */
const lunOf = (base: string) => base.slice(0, base.indexOf(':'))

/** Asks every node that may use it whether it does. */
export async function readCut(
  proxmox: ProxmoxPort,
  storage: string,
  { sections, nodes }: { sections: readonly Section[]; nodes: readonly { name: string; status: string }[] },
): Promise<StorageCut> {
  const section = sections.find((one) => one.storage === storage)
  const offered = nodes.filter(({ name, status }) => status === 'online' && isOffered(section, name))
  const asked = await Promise.all(
    offered.map(async ({ name }) => ((await askOnce(proxmox, name, storage)).active ? [name] : [])),
  )
  return { storage, gone: goneWith(sections, storage), shared: section?.shared ?? false, reachedBy: asked.flat() }
}

const isOffered = (section: Section | undefined, node: string) =>
  section !== undefined && !section.disabled && (section.nodes === undefined || section.nodes.includes(node))
