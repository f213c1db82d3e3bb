import { z } from 'zod'
import { readSite } from '../../src/blueprint/site.ts'
import { stepsOf } from '../../src/blueprint/steps.ts'
import { count, faultText, lookUp, shortName, stepsTable } from '../../src/blueprint/telling.ts'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { reads } from '../../src/core/needs.ts'
import { can } from '../../workers/blueprint-apply.ts'

/** Everything that is wrong with a blueprint at once, line by line; then what this cluster could not do of it. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({ file: arg.text() }),
  positionals: ['file'],
  text: {
    en: {
      summary: 'What is wrong with a blueprint, and what of it this cluster could not do',
      args: { file: 'Its file in the folder of blueprints: azuay' },
      words: {
        faulty: 'Blueprint {file}: {count} faults',
        good: 'Blueprint {file} is good',
        goodText: 'To do: {todo}. Already so: {so}. What is still to do: `blueprint plan {file}`',
        cannot: 'Blueprint {file} is well written; {count} of its steps are not possible here',
      },
    },
    es: {
      summary: 'Qué está mal en un plano, y qué de él no podría hacer este clúster',
      args: { file: 'Su archivo en la carpeta de planos: azuay' },
      words: {
        faulty: 'Plano {file}: {count} errores',
        good: 'El plano {file} está bien',
        goodText: 'Por hacer: {todo}. Ya está: {so}. Lo que falta: `blueprint plan {file}`',
        cannot: 'El plano {file} está bien escrito; {count} de sus pasos no se pueden hacer aquí',
      },
    },
  },
  examples: [
    { say: 'blueprint check azuay', answers: true },
    { say: 'blueprint check nowhere', refuses: 'blueprint-unknown' },
  ],
  async plan({ args, proxmox, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const file = shortName(args.file)
    const found = await lookUp(house.blueprints, file)
    if ('faults' in found) {
      const { line, place, fault } = words.blueprint
      return answer({
        title: say('faulty', { file, count: found.faults.length }),
        state: 'failed',
        table: {
          columns: [line, place, fault],
          rows: found.faults.map((one) => [String(one.line), one.path, faultText(one, words)]),
        },
      })
    }
    const steps = stepsOf(found.blueprint, await readSite(proxmox, found.blueprint, signal), {
      can,
      hosts: house.hosts.map(({ name }) => name),
    })
    const never = steps.filter(({ state }) => state === 'never')
    if (never.length === 0) {
      const values = { file, todo: count(steps, 'todo'), so: count(steps, 'so') }
      return answer({ title: say('good', { file }), state: 'ok', text: say('goodText', values) })
    }
    return answer({
      title: say('cannot', { file, count: never.length }),
      state: 'warning',
      table: stepsTable(never, words),
    })
  },
})
