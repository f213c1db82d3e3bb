import { z } from 'zod'
import { cautionTexts } from '../../src/blueprint/cautions.ts'
import { readSite } from '../../src/blueprint/site.ts'
import { sections } from '../../src/blueprint/step.ts'
import { stepsOf } from '../../src/blueprint/steps.ts'
import { count, findBlueprint, shortName, stepsTable } from '../../src/blueprint/telling.ts'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { reads } from '../../src/core/needs.ts'
import { can } from '../../workers/blueprint-apply.ts'

/** What this cluster lacks of a blueprint: each step, whether it is so already, and what would be done. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({ file: arg.text(), until: arg.choice(sections).optional() }),
  positionals: ['file'],
  text: {
    en: {
      summary: 'What a blueprint would still change here, step by step',
      args: { file: 'Its file in the folder of blueprints: azuay', until: 'The last part that is looked at' },
      words: {
        title: 'Blueprint {file}: {todo} to do, {so} already so, {never} not possible',
        nothing: 'Blueprint {file}: nothing to do',
        next: 'To do it: `blueprint apply {file}`',
      },
    },
    es: {
      summary: 'Qué cambiaría todavía un plano aquí, paso a paso',
      args: { file: 'Su archivo en la carpeta de planos: azuay', until: 'La última parte que se mira' },
      words: {
        title: 'Plano {file}: {todo} por hacer, {so} ya están, {never} no se pueden',
        nothing: 'Plano {file}: nada que hacer',
        next: 'Para hacerlo: `blueprint apply {file}`',
      },
    },
  },
  examples: [
    { say: 'blueprint plan azuay', answers: true },
    { say: 'blueprint plan azuay until:storage', answers: true },
    { say: 'blueprint plan nowhere', refuses: 'blueprint-unknown' },
  ],
  async plan({ args, proxmox, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const { until } = args
    const file = shortName(args.file)
    const blueprint = await findBlueprint(house.blueprints, file, words)
    const site = await readSite(proxmox, blueprint, signal)
    const cautions = cautionTexts(blueprint, site, words)
    const steps = stepsOf(blueprint, site, {
      can,
      hosts: house.hosts.map(({ name }) => name),
      until,
    })
    const [todo, never] = [count(steps, 'todo'), count(steps, 'never')]
    return answer({
      title:
        todo + never === 0 ? say('nothing', { file }) : say('title', { file, todo, never, so: count(steps, 'so') }),
      state: never > 0 ? 'warning' : 'info',
      ...(todo > 0 && never === 0 ? { text: say('next', { file }) } : {}),
      ...(cautions.length > 0 ? { fields: cautions.map((value) => ({ name: words.say.warning, value })) } : {}),
      table: stepsTable(steps, words),
    })
  },
})
