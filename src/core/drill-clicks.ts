import { Refused } from './errors.ts'
import type { Clicked, DispatchPorts } from './events.ts'
import type { Language } from './language.ts'
import type { Planning } from './planning.ts'
import { holds } from './roles.ts'

/** The veto on the card that announces a drill. The card itself shows what came of it, in every channel. */
export async function vetoed(
  ports: DispatchPorts,
  planning: Planning,
  clicked: Clicked,
  { id, at, language }: { id: string; at: number; language: Language },
): Promise<void> {
  const { access, clusters, drills, words } = ports
  const all = await Promise.all(clusters.names.map((cluster) => drills.schedules(cluster)))
  const schedule = all.flat().find((one) => one.id === id)
  if (!schedule) throw new Refused('drill-decided')
  if (clicked.action !== 'reject') throw new Refused('not-a-decision')
  const place = { cluster: schedule.cluster, channel: clicked.target }
  const role = await access.roleOf(clicked.identity, place)
  if (!holds(role, 'operator')) {
    throw planning.notAllowed('drill skip', 'operator', role, clicked.identity, place, words[language])
  }
  if ((await drills.veto(schedule, clicked.identity, at)) === undefined) throw new Refused('drill-decided')
}
