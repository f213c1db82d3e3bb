import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode, seenNow } from '../../src/core/find.ts'
import { reads } from '../../src/core/needs.ts'
import type { ProxmoxPort } from '../../src/core/ports.ts'

const mostRows = 60

/** The container templates that Proxmox offers, and which of them are here already. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.storages, reads.nodes],
  args: z.object({ search: arg.text().optional(), node: arg.node().optional() }),
  positionals: ['search'],
  text: {
    en: {
      summary: 'List the container templates that can be downloaded',
      args: { search: 'Only those with this in their name', node: 'As this node knows them' },
      words: {
        title: 'Container templates: {count}',
        template: 'Template',
        about: 'What it is',
        here: 'Here on',
        text: 'Download one: storage download {first}',
        none: 'None with "{search}" in its name.',
        more: 'The first {shown} of {count}; search for a name to see fewer.',
        partly: 'Not every storage could be read, so what is here already is not fully known.',
      },
      refusals: { 'no-node': { says: 'No node is online.', hint: 'host list' } },
    },
    es: {
      summary: 'Listar las plantillas de contenedor que se pueden descargar',
      args: { search: 'Solo las que tengan esto en su nombre', node: 'Como las conoce este nodo' },
      words: {
        title: 'Plantillas de contenedor: {count}',
        template: 'Plantilla',
        about: 'Qué es',
        here: 'Ya está en',
        text: 'Descargar una: storage download {first}',
        none: 'Ninguna con «{search}» en su nombre.',
        more: 'Las primeras {shown} de {count}; busca un nombre para ver menos.',
        partly: 'No se pudo leer todo almacenamiento, así que no se sabe del todo qué está ya aquí.',
      },
      refusals: { 'no-node': { says: 'Ningún nodo está en línea.', hint: 'host list' } },
    },
  },
  examples: [
    { say: 'storage templates', answers: true },
    { say: 'storage templates debian node:pve1', answers: true },
    { say: 'storage templates node:pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, signal }) {
    const resources = await proxmox.resources({ signal })
    const online = resources.nodes.find(({ status }) => status === 'online')
    const node = args.node === undefined ? online?.name : findNode(resources.nodes, args.node, cluster).name
    if (node === undefined) throw new Refused('no-node')
    const [all, here] = await Promise.all([
      proxmox.appliances(node, { signal }),
      templatesHere(proxmox, seenNow(resources.storages, resources.nodes), signal),
    ])
    const search = args.search?.toLowerCase() ?? ''
    const found = all
      .filter(({ template, headline }) => `${template} ${headline}`.toLowerCase().includes(search))
      .sort((a, b) => a.template.localeCompare(b.template))
    const shown = found.slice(0, mostRows)
    const [first] = shown
    const text = [
      first ? say('text', { first: first.template }) : say('none', { search: args.search ?? '' }),
      ...(found.length > shown.length ? [say('more', { shown: shown.length, count: found.length })] : []),
      ...(here.isWhole ? [] : [say('partly')]),
    ].join('\n')
    return answer({
      title: say('title', { count: found.length }),
      text,
      ...(first === undefined
        ? {}
        : {
            table: {
              columns: [say('template'), say('about'), say('here')],
              rows: shown.map(({ template, headline }) => [
                template,
                headline,
                here.places.get(template)?.join(', ') ?? '',
              ]),
            },
          }),
    })
  },
})

type Storages = Awaited<ReturnType<ProxmoxPort['resources']>>['storages']

/** File → storages that have it; a local one with its node. */
async function templatesHere(proxmox: ProxmoxPort, storages: Storages, signal: AbortSignal) {
  const takers = storages.filter(({ content }) => content.includes('vztmpl'))
  const once = takers.filter(
    (one, i) => !one.shared || takers.findIndex(({ storage }) => storage === one.storage) === i,
  )
  const places = new Map<string, string[]>()
  let isWhole = true
  await Promise.all(
    once.map(async ({ storage, node, shared, status }) => {
      const volumes =
        status === 'available'
          ? await proxmox.storageContents(node, storage, 'vztmpl', { signal }).catch(() => undefined)
          : undefined
      if (!volumes) isWhole = false
      for (const { volid } of volumes ?? []) {
        const file = volid.slice(volid.indexOf('/') + 1)
        places.set(file, [...(places.get(file) ?? []), shared ? storage : `${storage} (${node})`].sort())
      }
    }),
  )
  return { places, isWhole }
}
