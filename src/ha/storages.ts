import { Draft } from './draft.ts'
import type { Look } from './look.ts'
import type { Memory, NodeMemory, StorageMemory } from './memory.ts'
import type { Telling } from './telling.ts'

/** Nodes report their storages every ten seconds or so; one report may be late. */
const doubtsNeeded = 3
/** A node that has just come has not looked at its storages yet. */
const settleMs = 60_000

/** Storages that a node can use no more, or again. Of a node that is gone nothing is said: it has its own news. */
export function seeStorages(memory: Memory, look: Look, nodes: Readonly<Record<string, NodeMemory>>, telling: Telling) {
  const storages = new Draft(memory.storages)
  const rows = look.resources?.storages
  if (!rows) return storages
  const names = new Set(rows.map(({ storage, node }) => `${storage}/${node}`))
  storages.keep((name) => names.has(name))
  for (const { storage, node, status } of rows) {
    const name = `${storage}/${node}`
    const home = nodes[node]
    const available = status === 'available'
    const was = storages.get(name)
    if (!was) {
      storages.set(name, { available })
      continue
    }
    const isUnsettled = !home?.up || look.steady - home.since < settleMs
    if (!available && isUnsettled) continue
    storages.set(name, seen(was, available, { storage, node }, telling))
  }
  return storages
}

function seen(
  was: StorageMemory,
  available: boolean,
  where: { storage: string; node: string },
  telling: Telling,
): StorageMemory {
  if (was.available === available) return was.told ? { available, told: true } : { available }
  const doubts = (was.doubts ?? 0) + 1
  if (doubts < (available ? 1 : doubtsNeeded)) return { ...was, doubts }
  const subject = `${where.storage}/${where.node}`
  if (!available) {
    telling.tell('storage.lost', subject, where)
    return { available, told: true }
  }
  if (was.told) telling.tell('storage.back', subject, where)
  return { available }
}
