import { z } from 'zod'
import { cautionTexts } from '../../src/blueprint/cautions.ts'
import { readSite } from '../../src/blueprint/site.ts'
import { type Step, sections } from '../../src/blueprint/step.ts'
import { stepsOf } from '../../src/blueprint/steps.ts'
import { findBlueprint, shortName, stepsTable, titleOf, whyText } from '../../src/blueprint/telling.ts'
import { arg } from '../../src/core/args.ts'
import type { Catalogue } from '../../src/core/catalogue.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { haDecidedOn, refuseWithoutQuorum, someNode } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import blueprintApply, { can, fieldOf, parts } from '../../workers/blueprint-apply.ts'

/**
 * Does what a cluster lacks of a blueprint. What is so already is left alone; when all is, nothing is sent. A step that
 * is not possible refuses the whole, before anything is touched.
 */
export default defineCommand({
  role: 'operator',
  risk: 'endangers',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({ file: arg.text(), until: arg.choice(sections).optional() }),
  positionals: ['file'],
  text: {
    en: {
      summary: 'Do what a blueprint still lacks here; applied again, nothing is done',
      args: { file: 'Its file in the folder of blueprints: azuay', until: 'The last part that is done' },
      words: {
        title: 'Blueprint {file}: {count} steps',
        nothing: 'Blueprint {file}: nothing to do',
        click: '{step}: by hand',
        wipes:
          'The first sector of the LUN {lun} is cleared without a look inside. If somebody keeps anything there, it is lost.',
      },
      refusals: {
        'blueprint-cannot': {
          says: '{step}: {why}. Nothing has been touched.',
          hint: 'blueprint plan {file}',
        },
      },
    },
    es: {
      summary: 'Hacer lo que a un plano le falta aquí; aplicado otra vez no se hace nada',
      args: { file: 'Su archivo en la carpeta de planos: azuay', until: 'La última parte que se hace' },
      words: {
        title: 'Plano {file}: {count} pasos',
        nothing: 'Plano {file}: nada que hacer',
        click: '{step}: a mano',
        wipes: 'Se borra sin mirar el primer sector de la LUN {lun}. Si alguien guarda algo ahí, se pierde.',
      },
      refusals: {
        'blueprint-cannot': {
          says: '{step}: {why}. No se tocó nada.',
          hint: 'blueprint plan {file}',
        },
      },
    },
  },
  examples: [
    { say: 'blueprint apply lab', plans: 'blueprint-apply' },
    { say: 'blueprint apply lab until:storage', answers: true },
    { say: 'blueprint apply nowhere', refuses: 'blueprint-unknown' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const file = shortName(args.file)
    const blueprint = await findBlueprint(house.blueprints, file, words)
    const site = await readSite(proxmox, blueprint, signal)
    refuseWithoutQuorum(site.ha, cluster)
    const steps = stepsOf(blueprint, site, { can, hosts: house.hosts.map(({ name }) => name), until: args.until })
    const impossible = steps.find((step) => step.state === 'never')
    if (impossible)
      throw new Refused('blueprint-cannot', {
        file,
        step: titleOf(impossible, words),
        why: whyText(impossible.why, words),
      })
    const todo = steps.filter((step) => step.state === 'todo')
    if (todo.length === 0) {
      return answer({ title: say('nothing', { file }), state: 'ok', table: stepsTable(steps, words) })
    }
    const list = todo.map(({ job, ...step }) => {
      const { worker } = parts[job.worker]!.job(job.payload)
      return { worker: job.worker, title: titleOf(step as Step, words), payload: worker.payload.parse(job.payload) }
    })
    const wiped = todo.flatMap(({ job }) => job.wipes ?? [])
    const job = blueprintApply.job({ name: file, parts: list })
    const isForAdmins = todo.some(({ job: { command } }) => roleFor(command, house.catalogue) === 'admin')
    return run(job, {
      title: say('title', { file, count: todo.length }),
      node: someNode(site.ha),
      shows: steps.map((step) => {
        const i = todo.indexOf(step as (typeof todo)[number])
        const { states } = words.blueprint
        return i < 0
          ? { name: titleOf(step, words), value: states.so }
          : { name: fieldOf(list[i]!, i), value: states.todo }
      }),
      warnings: [...wiped.map((lun) => say('wipes', { lun })), ...cautionTexts(blueprint, site, words)],
      explain: {
        shell: todo.flatMap(({ job }) => job.shell),
        clicks: list.map(({ title }) => say('click', { step: title })),
      },
      state: { ha: haDecidedOn(site.ha), todo: list },
      ...(isForAdmins ? { role: 'admin' } : {}),
      ...(wiped.length > 0 ? { risk: 'destroys' } : {}),
    })
  },
})

/** What the command that does a step alone asks of people: a file is no way around it. */
const roleFor = (line: string, catalogue: Catalogue) => catalogue.get(line.split(' ', 2).join(' '))?.command.role
