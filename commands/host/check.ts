import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { findAnyNode } from '../../src/core/find.ts'
import { readHosts } from '../../src/core/hosts.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { checkHosts, clocksAhead, type Finding, type HostFacts, topics, worst } from '../../src/ha/host-check.ts'

/** The hosts against what a host must have. One host alone is asked for the health of its disks too, which takes longer. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.nodes, reads.guests, reads.storages],
  args: z.object({ node: arg.node().optional() }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Check the hosts: what Proxmox needs, at least and at best, beside what they have',
      args: { node: 'One node, with the health of its disks; else all' },
      words: {
        title: 'Hosts of {cluster}: {fail} fail, {warn} warnings, {unknown} not known',
        titleOne: 'Host {node}: {fail} fail, {warn} warnings, {unknown} not known',
        text: 'Measured through Proxmox alone.',
        alone: 'Measured through Proxmox alone. In no cluster: {names}; each was asked by its own interface.',
      },
    },
    es: {
      summary: 'Revisar los equipos: lo que Proxmox necesita, como mínimo y lo óptimo, junto a lo que tienen',
      args: { node: 'Un nodo, con la salud de sus discos; si no, todos' },
      words: {
        title: 'Equipos de {cluster}: {fail} fallas, {warn} avisos, {unknown} sin saber',
        titleOne: 'Equipo {node}: {fail} fallas, {warn} avisos, {unknown} sin saber',
        text: 'Medido solo a través de Proxmox.',
        alone:
          'Medido solo a través de Proxmox. En ningún clúster: {names}; a cada uno se le preguntó por su propia interfaz.',
      },
    },
  },
  examples: [
    { say: 'host check', answers: true },
    { say: 'host check pve1', answers: true },
    { say: 'host check pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { hosts: words, verdicts } = house.words[asker.language]
    const { nodes } = await proxmox.resources({ signal })
    const lone = house.hosts.map(({ name }) => name).filter((name) => !nodes.some((node) => node.name === name))
    const known = [...nodes, ...lone.map((name) => ({ name }))]
    const only = args.node === undefined ? undefined : findAnyNode(known, args.node, cluster).name
    const [{ clocks, ...site }, looked] = await Promise.all([
      readHosts(proxmox, only, signal),
      lone.length > 0 ? house.lookAtHosts(cluster, lone, signal) : undefined,
    ])
    const alone = lone.map((name): HostFacts => {
      const unseen = { name, online: false, lone: 'unseen', served: 0, promised: 0 } as const
      return (looked?.hosts as readonly HostFacts[] | undefined)?.find((one) => one.name === name) ?? unseen
    })
    const ahead = clocksAhead(looked?.clocks ?? clocks)
    const hosts = [...site.hosts, ...alone]
    const timed = hosts.map((host) => ({ ...host, ...(host.name in ahead && { clockAhead: ahead[host.name]! }) }))
    const findings = checkHosts({ ...site, hosts: timed }).filter(({ node }) => only === undefined || node === only)
    const count = (wanted: Finding['verdict']) => findings.filter(({ verdict }) => verdict === wanted).length
    const counts = { fail: count('fail'), warn: count('warn'), unknown: count('unknown') }
    const values = (finding: Finding) => ({
      ...Object.fromEntries(
        Object.entries(finding.values).map(([name, value]) => [
          name,
          sizes.has(name) ? formatSize(Number(value)) : value,
        ]),
      ),
      node: finding.node,
    })
    const word = (from: Record<string, string>, code: string, finding: Finding) =>
      fill(from[code] ?? code, values(finding))
    const rows = topics.flatMap((topic) => {
      const its = findings.filter((one) => one.topic === topic)
      if (its.length === 0) return []
      const nodesBy = (text: (finding: Finding) => string | undefined) => lines(its, text, words.all)
      const worstOf = worst(its.map(({ verdict }) => verdict))
      return [
        [
          words.topics[topic].name,
          verdicts[worstOf],
          nodesBy((one) => word(words.found, one.found, one)),
          fill(words.wanted, { ...words.topics[topic] }),
          nodesBy((one) => (one.todo === undefined ? undefined : word(words.todo, one.todo, one))),
        ],
      ]
    })
    return answer({
      title: only === undefined ? say('title', { cluster, ...counts }) : say('titleOne', { node: only, ...counts }),
      state: counts.fail > 0 ? 'failed' : counts.warn > 0 ? 'warning' : 'ok',
      text: lone.length === 0 ? say('text') : say('alone', { names: lone.join(', ') }),
      table: {
        columns: [words.labels.topic, words.labels.result, words.labels.found, words.labels.wanted, words.labels.todo],
        rows,
      },
    })
  },
})

const sizes = new Set(['total', 'promised', 'wanted', 'size'])

/** One line for all nodes of which the same is true; the nodes are named when not all are like that. */
function lines(findings: readonly Finding[], text: (finding: Finding) => string | undefined, all: string): string {
  const byText = new Map<string, string[]>()
  for (const finding of findings) {
    const said = text(finding)
    if (said !== undefined) byText.set(said, [...(byText.get(said) ?? []), finding.node])
  }
  const one = findings.length === 1
  return [...byText]
    .map(([said, nodes]) => (one ? said : `${nodes.length === findings.length ? all : nodes.join(', ')}: ${said}`))
    .join('\n')
}
