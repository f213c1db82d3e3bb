import type { Blueprint } from '../core/blueprint.ts'
import { inRange } from '../core/joining.ts'
import type { Site } from './site.ts'
import { never, type Step, so, todo, type Why } from './step.ts'

type Wanted = NonNullable<Blueprint['cluster']>

/**
 * The cluster, and who belongs to it: made on the first host, then joined by one after the other. `hosts`: those that the
 * configuration names. What speaks against a join is seen by its job, which may look at the host as root.
 */
export function clusterSteps({ cluster }: Blueprint, site: Site, hosts: readonly string[]): Step[] {
  if (!cluster) return []
  const { name, first, join } = cluster
  const { status } = site
  const creates = { key: 'create' as const, values: { name, node: first } }
  const is = status.cluster
  if (is && is.name !== name) {
    return [never('cluster', 'cluster', creates, { code: 'other-cluster', values: { name, is: is.name } })]
  }
  const members = is ? status.members.map((member) => member.name) : []
  // A cluster of that name which the first host is not in is one more host to join.
  const others = is && !members.includes(first) ? [first, ...join] : join
  const at = (is ? status.members.find(({ local }) => local)?.ip : site.alone?.addresses[0]?.address) ?? first
  return [
    is ? so('cluster', 'cluster', creates) : made(cluster, site, creates),
    ...others.map((host, i) => {
      const more = others.slice(i + 1).some((other) => !members.includes(other))
      return joins(host, { name, at, isMember: members.includes(host), hosts, more })
    }),
  ]
}

function made({ name, first, join, ...wanted }: Wanted, { alone }: Site, what: Step['what']): Step {
  const refused = (why: Why) => never('cluster', 'cluster', what, why)
  if (alone?.name !== first) return refused({ code: 'other-first', values: { first, here: alone?.name } })
  const links: Record<string, string> = {}
  for (const link of ['link0', 'link1'] as const) {
    const network = wanted[link]
    if (network === undefined) continue
    const own = alone.addresses.find(({ address }) => inRange(address, network))
    const addresses = alone.addresses.map(({ address }) => address).join(', ')
    if (!own) return refused({ code: 'no-link', values: { first, link, network, addresses } })
    links[link] = own.address
  }
  const given = Object.entries(links)
  return todo('cluster', 'cluster', what, {
    worker: 'cluster-create',
    payload: { name, first, ...links, ...(join.length > 0 ? { more: true } : {}) },
    command: ['cluster create', name, `first:${first}`, ...given.map(([link, at]) => `${link}:${at}`)].join(' '),
    shell: [`pvecm create ${name}${given.map(([link, at]) => ` --${link} ${at}`).join('')}   # ${first}`],
  })
}

interface Joining {
  name: string
  /** The address, or the name, of a member. */
  at: string
  isMember: boolean
  hosts: readonly string[]
  /** Another one joins after it. */
  more: boolean
}

function joins(host: string, { name, at, isMember, hosts, more }: Joining): Step {
  const what = { key: 'join' as const, values: { node: host, name } }
  if (isMember) return so('cluster', `join ${host}`, what)
  if (!hosts.includes(host)) return never('cluster', `join ${host}`, what, { code: 'no-host', values: { host } })
  return todo('cluster', `join ${host}`, what, {
    worker: 'cluster-join',
    // Its addresses are those that it has in the ranges of the cluster's links; what only that host has is never given up.
    payload: { host, lose: false, ...(more ? { more } : {}) },
    command: `cluster join ${host}`,
    shell: [`pvecm add ${at}   # ${host}`],
  })
}
