import { z } from 'zod'
import { blueprintOf, type Exported } from '../../src/blueprint/export.ts'
import { readSite } from '../../src/blueprint/site.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { reads } from '../../src/core/needs.ts'

/** The cluster that runs, as a blueprint. What a blueprint cannot say is named, never made up. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({}),
  text: {
    en: {
      summary: 'Write the running cluster down as a blueprint',
      args: {},
      words: {
        title: 'Cluster {name} as a blueprint',
        text: 'Copy it into a file of your folder of blueprints; `blueprint plan` then says what is different.',
        left: 'Not in it',
        container: 'containers: {names}',
        template: 'templates: {names}',
        storage: 'storages: {names}',
        disks: 'machines with no disk, or with several: {names}',
        ha: 'rules that hold machines together or apart: {names}',
      },
    },
    es: {
      summary: 'Escribir como plano el clúster que está en marcha',
      args: {},
      words: {
        title: 'El clúster {name} como plano',
        text: 'Cópialo a un archivo de tu carpeta de planos; después `blueprint plan` dice qué es distinto.',
        left: 'No está en él',
        container: 'contenedores: {names}',
        template: 'plantillas: {names}',
        storage: 'almacenamientos: {names}',
        disks: 'máquinas sin disco, o con varios: {names}',
        ha: 'reglas que mantienen máquinas juntas o separadas: {names}',
      },
    },
  },
  examples: [{ say: 'blueprint export', answers: true }],
  async plan({ proxmox, cluster, say, house, signal }) {
    const { blueprint, left } = blueprintOf(await readSite(proxmox, undefined, signal))
    const kinds = (['container', 'template', 'storage', 'disks', 'ha'] as const).filter((kind) =>
      left.some(({ what }) => what === kind),
    )
    const namesOf = (kind: Exported['left'][number]['what']) =>
      left.flatMap(({ what, name }) => (what === kind ? [name] : [])).join(', ')
    const lines = kinds.map((kind) => say(kind, { names: namesOf(kind) }))
    return answer({
      title: say('title', { name: blueprint.cluster?.name ?? cluster }),
      text: say('text'),
      ...(lines.length > 0 ? { fields: [{ name: say('left'), value: lines.join('\n') }] } : {}),
      log: house.blueprints.write(blueprint).trimEnd().split('\n'),
    })
  },
})
