import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand, run } from '../../src/core/command.ts'
import type { Draft } from '../../src/core/drafts.ts'
import { Refused } from '../../src/core/errors.ts'
import {
  guestsNamed,
  type HaSite,
  haDecidedOn,
  readHa,
  refuseFirst,
  refuseWithoutQuorum,
  ruleName,
  sidOf,
  someNode,
} from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { affinitiesOf, nodesText, parseNodes } from '../../src/ha/affinity.ts'
import {
  after,
  groupSettings,
  type HaChange,
  needed,
  ruleSettings,
  settingsOf,
  shellOf,
  shown,
} from '../../src/ha/changes.ts'
import { conflictsOf, conflictsWith } from '../../src/ha/conflicts.ts'
import haConfig from '../../workers/ha-config.ts'

/**
 * Nodes by rank under a name: a group before Proxmox VE 9, a rule since. A rule must have a machine; without one the
 * preference is kept by the house until `ha add … prefer:NAME` brings the first, so that the same lines work everywhere.
 */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({
    name: arg.text(),
    order: arg.text(),
    guests: arg.text().optional(),
    strict: arg.boolean().optional(),
  }),
  positionals: ['name', 'order'],
  text: {
    en: {
      summary: 'Say which nodes machines prefer, by rank; the highest that is online is taken',
      args: {
        name: 'Name of the preference, such as grupoHA; one that exists is changed',
        order: 'Nodes with their rank: pve1:3 pve2:2 pve3:1',
        guests: 'Machines under HA that it is for, such as 100,101; others stay in it',
        strict: 'true: never on another node, not even when all of these are gone',
      },
      words: {
        title: 'Prefer {nodes} as {rule}',
        kept: '{rule} is kept: {nodes}',
        keptText:
          'Since Proxmox VE 9 a rule must have a machine, so it is not on the cluster yet. It waits here and becomes a rule with the first machine: ha add GUEST prefer:{rule}',
        keepText: 'It is kept here, and becomes a rule of the cluster with its first machine.',
        moves: 'Machines that run on a node of lower rank move as soon as HA has read this, live where they can.',
      },
      refusals: {
        'is-a-bond': {
          says: '{rule} already keeps machines together or apart; a preference needs another name.',
          hint: 'ha rules',
        },
      },
    },
    es: {
      summary: 'Decir qué nodos prefieren las máquinas, por rango; se toma el más alto que esté en línea',
      args: {
        name: 'Nombre de la preferencia, como grupoHA; una que ya existe se cambia',
        order: 'Nodos con su rango: pve1:3 pve2:2 pve3:1',
        guests: 'Máquinas bajo HA para las que vale, como 100,101; las demás siguen en ella',
        strict: 'true: nunca en otro nodo, ni siquiera si estos se pierden todos',
      },
      words: {
        title: 'Preferir {nodes} como {rule}',
        kept: '{rule} queda guardada: {nodes}',
        keptText:
          'Desde Proxmox VE 9 una regla tiene que tener una máquina, así que todavía no está en el clúster. Espera aquí y se vuelve regla con la primera máquina: ha add GUEST prefer:{rule}',
        keepText: 'Se guarda aquí, y se vuelve regla del clúster con su primera máquina.',
        moves:
          'Las máquinas que corren en un nodo de rango menor se mudan apenas HA lea esto, en caliente si se puede.',
      },
      refusals: {
        'is-a-bond': {
          says: '{rule} ya mantiene máquinas juntas o separadas; una preferencia necesita otro nombre.',
          hint: 'ha rules',
        },
      },
    },
  },
  examples: [
    { say: 'ha prefer grupoHA pve1:3 pve2:2 pve3:1', answers: true },
    { say: 'ha prefer grupoHA pve1:3 pve2:2 guests:ha1', plans: 'ha-config' },
    { say: 'ha prefer grupoHA pve1:high', refuses: 'ha-bad-nodes' },
    { say: 'ha prefer grupoHA pve9', refuses: 'ha-unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, say: shared } = house.words[asker.language]
    const rule = ruleName(args.name)
    const nodes = parseNodes(args.order)
    if (!nodes) throw new Refused('ha-bad-nodes', { given: args.order, rule })
    const site = await readHa(proxmox, signal)
    refuseWithoutQuorum(site, cluster)
    if (site.rules?.some((one) => one.rule === rule && one.type === 'resource-affinity')) {
      throw new Refused('is-a-bond', { rule })
    }
    const sids = args.guests === undefined ? [] : guestsNamed(site, args.guests, cluster).map(sidOf)
    const wish = { rule, nodes, strict: args.strict, sids }
    const changes = site.rules ? ruleChanges(site, wish) : groupChanges(site, wish)
    const managed = site.managed.map(({ sid }) => sid)
    const future = after(affinitiesOf({ ...site, resources: site.managed }), changes, managed)
    const draft: Draft = { name: rule, nodes, strict: args.strict ?? false }
    const isDraft = changes.some(
      ({ what, to }) => what === 'rule' && to && (to as { sids: string[] }).sids.length === 0,
    )
    const where = {
      nodes: site.nodes.map(({ name }) => name),
      managed: future.managed,
      mayBeEmpty: isDraft || !site.rules,
    }
    refuseFirst(conflictsWith(conflictsOf(future.affinities, where), rule))
    const words = { ...ha, yes: shared.yes, no: shared.no, none: shared.none }
    const listed = nodesText(nodes).replaceAll(',', ' ')
    const title = say('title', { nodes: listed, rule })
    if (isDraft) {
      return act({
        title,
        shows: shown(changes, words).filter(({ value }) => value !== ''),
        warnings: [say('keepText')],
        explain: {
          shell: [`ha-manager rules add node-affinity ${rule} --resources vm:ID --nodes ${nodesText(nodes)}`],
          clicks: [ha.clicks.open, fill(ha.clicks.rules, { rule })],
        },
        async act() {
          await house.drafts.keep(cluster, draft)
          return { title: say('kept', { rule, nodes: listed }), text: say('keptText', { rule }) }
        },
      })
    }
    const real = needed(changes)
    if (real.length === 0) throw new Refused('ha-nothing-to-change', { what: rule })
    return run(haConfig.job({ changes: real }), {
      title,
      node: someNode(site),
      shows: shown(real, words),
      warnings: future.affinities.preferences.some(({ name, sids: its }) => name === rule && its.length > 0)
        ? [say('moves')]
        : [],
      explain: {
        shell: real.map(shellOf),
        clicks: [ha.clicks.open, fill(site.rules ? ha.clicks.rules : ha.clicks.groups, { rule })],
      },
      state: haDecidedOn(site),
    })
  },
})

interface Wish {
  rule: string
  nodes: { node: string; priority: number }[]
  strict: boolean | undefined
  sids: string[]
}

function ruleChanges({ rules = [] }: HaSite, { rule, nodes, strict, sids }: Wish): HaChange[] {
  const found = rules.find((one) => one.rule === rule)
  const was = found ? ruleSettings(found) : null
  const members = [...new Set([...(was?.sids ?? []), ...sids])].sort()
  return [
    {
      what: 'rule',
      id: rule,
      was,
      to: { kind: 'prefer', sids: members, nodes, strict: strict ?? was?.strict ?? false },
    },
  ]
}

function groupChanges({ groups = [], managed }: HaSite, { rule, nodes, strict, sids }: Wish): HaChange[] {
  const found = groups.find((one) => one.group === rule)
  const was = found ? groupSettings(found) : null
  const to = { nodes, strict: strict ?? was?.strict ?? false, nofailback: was?.nofailback ?? false }
  const members = sids.map((sid): HaChange => {
    const resource = managed.find((one) => one.sid === sid)
    if (!resource) throw new Refused('ha-not-managed', { rule, sid, guest: sid.slice(sid.indexOf(':') + 1) })
    const before = settingsOf(resource, false)
    return { what: 'resource', id: sid, was: before, to: { ...before, group: rule } }
  })
  return [{ what: 'group', id: rule, was, to }, ...members]
}
