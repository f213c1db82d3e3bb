import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { findManaged, haDecidedOn, readHa, refuseWithoutQuorum, someNode, standingBy } from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { type HaChange, settingsOf, shellOf, shown } from '../../src/ha/changes.ts'
import { leaving } from '../../src/ha/joining.ts'
import haConfig from '../../workers/ha-config.ts'

/** Takes a guest out of HA, and out of the rules that name it. The guest itself stays as it is. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Take a machine out of high availability; it stays as it is',
      args: { guest: 'Name or number' },
      words: {
        title: 'Take {name} ({vmid}) out of high availability',
        stays: 'It stays as it is. When its node fails, nobody starts it elsewhere any more.',
        rule: 'Rule {rule} would be left with too few machines and goes away.',
        disarmed: 'HA is disarmed: it lets go of nothing until somebody arms it. See: ha arm',
      },
    },
    es: {
      summary: 'Sacar una máquina de la alta disponibilidad; queda como está',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Sacar {name} ({vmid}) de la alta disponibilidad',
        stays: 'Queda como está. Si falla su nodo, ya nadie la enciende en otro.',
        rule: 'La regla {rule} se quedaría con muy pocas máquinas y desaparece.',
        disarmed: 'HA está desarmada: no suelta nada hasta que alguien la arme. Mira: ha arm',
      },
    },
  },
  examples: [
    { say: 'ha remove ha1', plans: 'ha-config' },
    { say: 'ha remove web1', refuses: 'ha-not-under' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha, say: shared } = house.words[asker.language]
    const site = await readHa(proxmox, signal)
    refuseWithoutQuorum(site, cluster)
    const { sid, name, vmid, resource } = findManaged(site, args.guest, cluster)
    const was = settingsOf(resource, site.rules !== undefined)
    // The rules first: Proxmox takes no rule that names a guest which is not under HA.
    const rules = leaving(site.rules ?? [], sid, () => true)
    const changes: HaChange[] = [...rules, { what: 'resource', id: sid, was, to: null }]
    const words = { ...ha, yes: shared.yes, no: shared.no, none: shared.none }
    const standing = standingBy(site)
    return run(haConfig.job({ changes, ...(standing ? {} : { awaits: { sid, name, state: 'gone' } }) }), {
      title: say('title', { name, vmid }),
      node: someNode(site),
      shows: shown(changes, words),
      warnings: [
        say('stays'),
        ...rules.filter(({ to }) => to === null).map(({ id }) => say('rule', { rule: id })),
        ...(standing ? [say('disarmed')] : []),
      ],
      explain: { shell: changes.map(shellOf), clicks: [ha.clicks.open, fill(ha.clicks.remove, { sid })] },
      state: haDecidedOn(site),
    })
  },
})
