import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { type HaSite, haDecidedOn, readHa, refuseWithoutQuorum, ruleName, someNode } from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { groupSettings, type HaChange, ruleSettings, settingsOf, shellOf, shown } from '../../src/ha/changes.ts'
import haConfig from '../../workers/ha-config.ts'

/** Takes a rule or preference away; the machines stay under HA and where they are. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({ rule: arg.text() }),
  positionals: ['rule'],
  text: {
    en: {
      summary: 'Take away a preference, or a rule that keeps machines together or apart',
      args: { rule: 'Its name: see ha rules' },
      words: {
        title: 'Take away rule {rule}',
        stays: 'Its machines stay under high availability and where they are; HA may place them anywhere from now on.',
        dropped: '{rule} is forgotten; it had no machine yet',
      },
    },
    es: {
      summary: 'Quitar una preferencia, o una regla que mantiene máquinas juntas o separadas',
      args: { rule: 'Su nombre: mira ha rules' },
      words: {
        title: 'Quitar la regla {rule}',
        stays:
          'Sus máquinas siguen bajo alta disponibilidad y donde están; desde ahora HA puede ponerlas en cualquier nodo.',
        dropped: '{rule} quedó olvidada; todavía no tenía máquinas',
      },
    },
  },
  examples: [
    { say: 'ha unrule ha-rule', plans: 'ha-config' },
    { say: 'ha unrule nothing', refuses: 'ha-no-rule' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, say: shared } = house.words[asker.language]
    const rule = ruleName(args.rule)
    const [site, drafts] = await Promise.all([readHa(proxmox, signal), house.drafts.list(cluster)])
    const changes = changesOf(site, rule)
    if (changes.length === 0) {
      if (!drafts.some(({ name }) => name === rule)) throw new Refused('ha-no-rule', { rule })
      return act({
        title: say('title', { rule }),
        shows: [],
        explain: { shell: [], clicks: [] },
        async act() {
          await house.drafts.forget(cluster, rule)
          return { title: say('dropped', { rule }) }
        },
      })
    }
    refuseWithoutQuorum(site, cluster)
    const words = { ...ha, yes: shared.yes, no: shared.no, none: shared.none }
    return run(haConfig.job({ changes }), {
      title: say('title', { rule }),
      node: someNode(site),
      shows: shown(changes, words),
      warnings: [say('stays')],
      explain: {
        shell: changes.map(shellOf),
        clicks: [ha.clicks.open, fill(site.rules ? ha.clicks.rules : ha.clicks.groups, { rule })],
      },
      state: haDecidedOn(site),
    })
  },
})

/** Before Proxmox VE 9 a group goes only when no guest names it any more. */
function changesOf({ rules, groups = [], managed }: HaSite, name: string): HaChange[] {
  const rule = rules?.find((one) => one.rule === name)
  if (rule) return [{ what: 'rule', id: name, was: ruleSettings(rule), to: null }]
  const group = groups.find((one) => one.group === name)
  if (!group) return []
  const members = managed
    .filter((one) => one.group === name)
    .map((one): HaChange => {
      const { group: _, ...rest } = settingsOf(one, false)
      return { what: 'resource', id: one.sid, was: settingsOf(one, false), to: rest }
    })
  return [...members, { what: 'group', id: name, was: groupSettings(group), to: null }]
}
