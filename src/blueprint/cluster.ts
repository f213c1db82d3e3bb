import type { Blueprint } from '../core/blueprint.ts'
import type { Site } from './site.ts'
import { never, type Step, so, todo } from './step.ts'

/** The cluster, and who belongs to it: made on the first host, then joined by one after the other. */
export function clusterSteps({ cluster }: Blueprint, { status }: Site): Step[] {
  if (!cluster) return []
  const { name, first, join } = cluster
  const is = status.cluster
  const creates = { key: 'create' as const, values: { name, node: first } }
  if (is && is.name !== name) {
    return [never('cluster', 'cluster', creates, { code: 'other-cluster', values: { name, is: is.name } })]
  }
  const members = is ? status.members.map((member) => member.name) : []
  const create = is
    ? so('cluster', 'cluster', creates)
    : todo('cluster', 'cluster', creates, {
        worker: 'cluster-create',
        payload: { name, first },
        command: `cluster create ${name} first:${first}`,
        shell: [`pvecm create ${name}   # ${first}`],
      })
  // A cluster of that name which the first host is not in is one more host to join.
  const others = is && !members.includes(first) ? [first, ...join] : join
  return [create, ...others.map((host) => joins(host, name, first, members.includes(host)))]
}

function joins(host: string, name: string, first: string, isMember: boolean): Step {
  const what = { key: 'join' as const, values: { node: host, name } }
  if (isMember) return so('cluster', `join ${host}`, what)
  return todo('cluster', `join ${host}`, what, {
    worker: 'cluster-join',
    // What only that host has is never given up by a blueprint.
    payload: { host, lose: false },
    command: `cluster join ${host}`,
    shell: [`pvecm add ${first}   # ${host}`],
  })
}
