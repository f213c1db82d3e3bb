import { z } from 'zod'
import { answer, defineCommand } from '../../src/core/command.ts'
import { readHa } from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { affinitiesOf } from '../../src/ha/affinity.ts'
import { conflictsOf } from '../../src/ha/conflicts.ts'

/** Preferences and bonds in one list, whether the cluster keeps them as rules or as groups, and what is wrong with them. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({}),
  text: {
    en: {
      summary: 'Which machines prefer which nodes, and which stay together or apart',
      args: {},
      words: {
        title: 'HA rules of {cluster}',
        none: 'There are none. One for all nodes by rank: ha prefer NAME pve1:3 pve2:2 pve3:1',
        does: 'Does',
        prefers: 'prefers {nodes}',
        strictly: 'only ever {nodes}',
        draft: 'waits here for its first machine: ha add GUEST prefer:{rule}',
        disabled: 'switched off',
        ignored: 'Rule {rule} is ignored by Proxmox: {raw}',
      },
    },
    es: {
      summary: 'Qué máquinas prefieren qué nodos, y cuáles van juntas o separadas',
      args: {},
      words: {
        title: 'Reglas de HA de {cluster}',
        none: 'No hay ninguna. Una para todos los nodos por rango: ha prefer NAME pve1:3 pve2:2 pve3:1',
        does: 'Qué hace',
        prefers: 'prefiere {nodes}',
        strictly: 'solo y siempre {nodes}',
        draft: 'espera aquí su primera máquina: ha add GUEST prefer:{rule}',
        disabled: 'apagada',
        ignored: 'Proxmox ignora la regla {rule}: {raw}',
      },
    },
  },
  examples: [{ say: 'ha rules', answers: true }],
  async plan({ proxmox, cluster, say, house, asker, signal }) {
    const { ha, labels, errors, say: shared } = house.words[asker.language]
    const [site, drafts] = await Promise.all([readHa(proxmox, signal), house.drafts.list(cluster)])
    const affinities = affinitiesOf({ ...site, resources: site.managed })
    const nodes = site.nodes.map(({ name }) => name)
    const managed = site.managed.map(({ sid }) => sid)
    const conflicts = conflictsOf(affinities, { nodes, managed, mayBeEmpty: site.groups !== undefined })
    const ignored = (site.rules ?? []).filter(({ errors: wrong }) => Object.keys(wrong).length > 0)
    const listed = (ranked: { node: string; priority: number }[]) =>
      ranked.map(({ node, priority }) => (priority === 0 ? node : `${node}:${priority}`)).join(' ')
    const known = new Set([...affinities.preferences, ...affinities.bonds].map(({ name }) => name))
    const off = (disabled: boolean) => (disabled ? ` (${say('disabled')})` : '')
    const rows = [
      ...affinities.preferences.map(({ name, nodes: ranked, strict, sids, disabled }) => [
        name,
        `${say(strict ? 'strictly' : 'prefers', { nodes: listed(ranked) })}${off(disabled)}`,
        sids.join(', ') || shared.none,
      ]),
      ...affinities.bonds.map(({ name, kind, sids, disabled }) => [
        name,
        `${ha.labels[kind]}${off(disabled)}`,
        sids.join(', '),
      ]),
      ...drafts
        .filter(({ name }) => !known.has(name))
        .map(({ name, nodes: ranked, strict }) => [
          name,
          say(strict ? 'strictly' : 'prefers', { nodes: listed(ranked) }),
          say('draft', { rule: name }),
        ]),
    ]
    const warnings = [
      ...ignored.map(({ rule, errors: wrong }) =>
        say('ignored', { rule, raw: Object.values(wrong).flat().join('; ') }),
      ),
      ...conflicts.map(({ code, values }) => fill(errors[code].says, values)),
    ]
    return answer({
      title: say('title', { cluster }),
      state: warnings.length > 0 ? 'warning' : 'info',
      ...(rows.length === 0 ? { text: say('none') } : {}),
      fields: warnings.map((value) => ({ name: shared.warning, value })),
      ...(rows.length === 0 ? {} : { table: { columns: [ha.labels.rule, say('does'), labels.guests], rows } }),
    })
  },
})
