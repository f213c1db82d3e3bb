import { readDrill } from '../core/drill-facts.ts'
import { tellGate } from '../core/drill-gate.ts'
import type { Watched } from '../core/drill-look.ts'
import { Refused } from '../core/errors.ts'
import { sidOf } from '../core/ha.ts'
import type { Steady } from '../ha/drill.ts'
import { drillPlanOf } from '../ha/drill-plan.ts'
import type { DrillContext } from './context.ts'

/** How it is before, and whether the gates are still open: people may have waited long for an approval. */
export async function before({ payload, proxmox, drills, words, signal }: DrillContext) {
  const { node } = payload
  const read = await readDrill(proxmox, payload, signal)
  const facts = { ...read, jobs: [], incidents: [], lives: [], means: drills.means(node) }
  const { impact, gates, within } = drillPlanOf(facts, payload)
  const closed = gates.filter(({ verdict }) => verdict === 'fail').map((gate) => tellGate(gate, node, words.ha.drill))
  if (closed.length > 0) throw new Refused('gates-closed', { node, gates: closed.join('\n') })
  const { ha } = read.look
  const under = new Set(ha.managed.map(({ sid }) => sid))
  const running = ha.guests.filter(({ template, status }) => !template && status === 'running')
  const watched = running.filter((guest) => guest.node === node)
  const observer = ha.nodes.find(({ name, status }) => name !== node && status === 'online')?.name ?? node
  const steady: Steady = {
    at: await proxmox.nodeTime(observer),
    online: ha.nodes.filter(({ status }) => status === 'online').map(({ name }) => name),
    running: Object.fromEntries(running.map((guest) => [sidOf(guest), guest.node])),
    errors: ha.entries.flatMap(({ sid, state }) => (sid !== undefined && state === 'error' ? [sid] : [])),
    impact,
    managed: [...under],
  }
  const guests: Watched[] = watched.map((guest) => ({ sid: sidOf(guest), vmid: guest.vmid, kind: guest.kind }))
  return { steady, guests, within, observer, gone: read.cut?.gone }
}
