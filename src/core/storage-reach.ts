import { formatSize } from './args.ts'
import { fill } from './language.ts'
import type { ProxmoxPort, Words } from './ports.ts'
import type { RunContext, WorkerWords } from './worker.ts'

type State = Awaited<ReturnType<ProxmoxPort['storageState']>>
type Reads = Pick<ProxmoxPort, 'storageState'>

/** What one node says of a storage; without a state it is offline, and nothing is known. */
export interface Reach {
  node: string
  state?: State
}

/** A node tries on its own when it is asked; a slow server may need a second look. */
const reachedWithinMs = 30_000
/** Less than this is as good as nothing. */
const emptyShare = 0.01

/** Every node is asked: what storage.cfg says, one node may do and another fail at, and nobody is told. */
export function askNodes(
  proxmox: Reads,
  { storage, nodes }: { storage: string; nodes: readonly { name: string; status: string }[] },
  until: RunContext<never, WorkerWords>['until'],
): Promise<Reach[]> {
  return Promise.all(
    nodes.map(async ({ name, status }) =>
      status === 'online' ? { node: name, state: await settled(proxmox, name, storage, until) } : { node: name },
    ),
  )
}

/** Asked until it says yes, or for as long as it may take; then its last answer. */
async function settled(proxmox: Reads, node: string, storage: string, until: RunContext<never, WorkerWords>['until']) {
  let last: State = { active: false }
  const seen = await until(
    async () => {
      last = await askOnce(proxmox, node, storage)
      return last.active || (last.line !== undefined && !/does not exist/.test(last.line)) ? last : undefined
    },
    { everyMs: 1000, withinMs: reachedWithinMs },
  )
  return seen ?? last
}

/** A node that cannot be asked does not reach it either; its line says why. */
export const askOnce = (proxmox: Reads, node: string, storage: string): Promise<State> =>
  proxmox
    .storageState(node, storage)
    .catch((error: unknown) => ({ active: false, line: error instanceof Error ? error.message : String(error) }))

/** As a card has it: a line for each node, a warning for each that does not reach it or has no room left. */
export function toldReach(storage: string, all: readonly Reach[], { storage: words }: Words) {
  const lineOf = (state: State | undefined) => (state ? (state.line ?? words.unsaid) : words.offline)
  const fields = all.map(({ node, state }) => ({ name: node, value: shownState(state, words) }))
  const warnings = all.flatMap(({ node, state }) => {
    if (!state?.active) return [fill(words.warns, { node, storage, line: lineOf(state) })]
    return isFull(state) ? [fill(words.full, { node, storage, ...sizes(state) })] : []
  })
  const count = all.filter(({ state }) => state?.active).length
  const isAll = count === all.length
  const summary = isAll ? words.allReach : fill(words.someReach, { count, all: all.length })
  return { fields, warnings, summary, isAll }
}

function shownState(state: State | undefined, words: Words['storage']): string {
  if (!state) return words.offline
  if (!state.active) return fill(words.inactive, { line: state.line ?? words.unsaid })
  return state.total === undefined ? words.active : fill(words.room, sizes(state))
}

const sizes = ({ free = 0, total = 0 }: State) => ({ free: formatSize(free), total: formatSize(total) })
const isFull = ({ free = 0, total }: State) => total !== undefined && free < total * emptyShare
