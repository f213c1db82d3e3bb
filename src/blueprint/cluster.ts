import type { Blueprint } from '../core/blueprint.ts'
import type { Site } from './site.ts'
import { never, type Step, so } from './step.ts'

/** The cluster, and who belongs to it. Bringing hosts together asks for root's password, so each has a command of its own. */
export function clusterSteps({ cluster }: Blueprint, { status }: Site): Step[] {
  if (!cluster) return []
  const { name, first, join } = cluster
  const is = status.cluster
  const members = is ? status.members.map((member) => member.name) : []
  const creates = { key: 'create' as const, values: { name, node: first } }
  const other = { code: 'other-cluster' as const, values: { name, is: is?.name } }
  const byHand = (command: string) => ({ code: 'by-hand' as const, values: { command } })
  const create = is
    ? is.name === name
      ? so('cluster', 'cluster', creates)
      : never('cluster', 'cluster', creates, other)
    : never('cluster', 'cluster', creates, byHand(`cluster create ${name} first:${first}`))
  const others = [...(is?.name === name ? [first] : []), ...join]
  const joins = others.map((node) => {
    const what = { key: 'join' as const, values: { node, name } }
    return members.includes(node)
      ? so('cluster', `join ${node}`, what)
      : never('cluster', `join ${node}`, what, byHand(`cluster join ${node}`))
  })
  return [create, ...joins.filter(({ id, state }) => id !== `join ${first}` || state !== 'so')]
}
