import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { algorithmOf, contentOf, nameIn, parseAddress } from '../../src/core/download.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode, seenNow } from '../../src/core/find.ts'
import { near } from '../../src/core/near.ts'
import { reads } from '../../src/core/needs.ts'
import type { StorageOnNode } from '../../src/proxmox/port.ts'
import storageDownload from '../../workers/storage-download.ts'

/** An ISO image, a disk image or a container template onto a storage, fetched by a node and not through us. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.storages, reads.nodes],
  args: z.object({
    url: arg.text(),
    storage: arg.storage().optional(),
    name: arg.text().optional(),
    checksum: arg.text().optional(),
    node: arg.node().optional(),
  }),
  positionals: ['url'],
  text: {
    en: {
      summary: 'Download an ISO image or a container template onto a storage',
      args: {
        url: 'Address of the file, or name of a template from storage templates',
        storage: 'Where it goes; suggested: the first shared one that takes it',
        name: 'Name of the file there; suggested: its own',
        checksum: 'md5, sha1, sha256 or sha512 sum that it must have',
        node: 'Node that downloads it',
      },
      words: {
        title: 'Download {name} to {storage}',
        url: 'From',
        free: 'Free there',
        file: 'File',
        sum: 'Checksum',
        noSum:
          'No checksum is given, so nothing proves that what comes is what was meant. Better: checksum: with the sum from the page of whoever made it.',
        plain:
          'The address is not encrypted (http): only a checksum tells whether somebody changed the file on its way.',
        clickStorage: 'Select storage {storage} under node {node}, then {panel}',
        clickUrl: 'Click "Download from URL", paste {url}, file name {name}',
        clickTemplate: 'Click "Templates", select {name}, click "Download"',
        iso: 'ISO Images',
        vztmpl: 'CT Templates',
        import: 'Import',
      },
      refusals: {
        'bad-url': {
          says: '"{given}" is neither an address that begins with https:// or http:// nor a template of Proxmox.',
          hint: 'storage templates',
        },
        'what-content': {
          says: 'What {name} is cannot be told from its ending. Proxmox takes .iso, .img, .tar.gz, .tar.xz, .tar.zst, .qcow2, .raw, .vmdk, .ova.',
          hint: 'storage download {url} name:NAME.iso',
        },
        'bad-checksum': {
          says: 'The checksum has {length} digits; md5 has 32, sha1 40, sha256 64, sha512 128.',
          hint: 'storage download {url} checksum:SUM',
        },
        'no-taker': {
          says: 'No storage that can be read now takes {content}.',
          hint: 'storage list',
        },
        'not-taken': {
          says: 'Storage {storage} does not take {content} on a node that reads it now. These do: {storages}.',
          hint: 'storage download {url} storage:{first}',
        },
        'file-there': { says: '{volid} is there already.', hint: 'storage contents {storage}' },
      },
    },
    es: {
      summary: 'Descargar una imagen ISO o una plantilla de contenedor a un almacenamiento',
      args: {
        url: 'Dirección del archivo, o nombre de una plantilla de storage templates',
        storage: 'A dónde va; sugerido: el primero compartido que la acepta',
        name: 'Nombre del archivo ahí; sugerido: el suyo',
        checksum: 'Suma md5, sha1, sha256 o sha512 que debe tener',
        node: 'Nodo que lo descarga',
      },
      words: {
        title: 'Descargar {name} a {storage}',
        url: 'Desde',
        free: 'Libre ahí',
        file: 'Archivo',
        sum: 'Suma de verificación',
        noSum:
          'No hay suma de verificación, así que nada prueba que lo que llega sea lo que se quería. Mejor: checksum: con la suma de la página de quien lo hizo.',
        plain:
          'La dirección no va cifrada (http): solo una suma de verificación dice si alguien cambió el archivo en el camino.',
        clickStorage: 'Selecciona el almacenamiento {storage} bajo el nodo {node}, luego {panel}',
        clickUrl: 'Clic en «Download from URL», pega {url}, nombre del archivo {name}',
        clickTemplate: 'Clic en «Templates», selecciona {name}, clic en «Download»',
        iso: 'ISO Images',
        vztmpl: 'CT Templates',
        import: 'Import',
      },
      refusals: {
        'bad-url': {
          says: '«{given}» no es una dirección que empiece con https:// o http:// ni una plantilla de Proxmox.',
          hint: 'storage templates',
        },
        'what-content': {
          says: 'Por su terminación no se sabe qué es {name}. Proxmox acepta .iso, .img, .tar.gz, .tar.xz, .tar.zst, .qcow2, .raw, .vmdk, .ova.',
          hint: 'storage download {url} name:NOMBRE.iso',
        },
        'bad-checksum': {
          says: 'La suma tiene {length} dígitos; md5 tiene 32, sha1 40, sha256 64, sha512 128.',
          hint: 'storage download {url} checksum:SUMA',
        },
        'no-taker': {
          says: 'Ningún almacenamiento que se pueda leer ahora acepta {content}.',
          hint: 'storage list',
        },
        'not-taken': {
          says: 'El almacenamiento {storage} no acepta {content} en un nodo que lo lea ahora. Estos sí: {storages}.',
          hint: 'storage download {url} storage:{first}',
        },
        'file-there': { says: '{volid} ya está ahí.', hint: 'storage contents {storage}' },
      },
    },
  },
  examples: [
    {
      say: 'storage download https://cdimage.debian.org/debian-13.iso checksum:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
      plans: 'storage-download',
    },
    { say: 'storage download debian-13-standard_13.6-1_amd64.tar.zst', plans: 'storage-download' },
    { say: 'storage download https://example.com/download', refuses: 'what-content' },
    { say: 'storage download ftp://example.com/a.iso', refuses: 'bad-url' },
    { say: 'storage download https://example.com/a.iso checksum:abc', refuses: 'bad-checksum' },
    { say: 'storage download https://example.com/a.iso storage:Storage', refuses: 'not-taken' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { labels } = house.words[asker.language]
    const { storages: told, nodes } = await proxmox.resources({ signal })
    const wanted = args.node === undefined ? undefined : findNode(nodes, args.node, cluster).name
    const given = args.url.trim()
    const address = parseAddress(given)
    const template = address ? undefined : await templateNamed(given)
    const name = template ?? nameIn(address!, args.name)
    const content = template ? 'vztmpl' : contentOf(name)
    if (!content) throw new Refused('what-content', { name, url: given })
    const algorithm = args.checksum === undefined ? undefined : algorithmOf(args.checksum)
    if (args.checksum !== undefined && !algorithm) {
      throw new Refused('bad-checksum', { length: args.checksum.length, url: given })
    }
    const takers = seenNow(told, nodes)
      .filter((one) => one.status === 'available' && one.content.includes(content))
      .filter(({ node }) => wanted === undefined || node === wanted)
      .sort((a, b) => Number(b.shared) - Number(a.shared) || a.storage.localeCompare(b.storage))
    const target = takerOf(takers, { storage: args.storage, content, url: given })
    const { storage, node } = target
    const volid = `${storage}:${content}/${name}`
    const there = await proxmox.storageContents(node, storage, content, { signal })
    if (there.some((volume) => volume.volid === volid)) throw new Refused('file-there', { volid, storage })
    const free = target.total === undefined ? undefined : target.total - (target.used ?? 0)
    const checksum = algorithm && { algorithm, sum: args.checksum!.toLowerCase() }
    const shell = template
      ? `pveam download ${storage} ${template}`
      : `pvesh create /nodes/${node}/storage/${storage}/download-url --content ${content} --filename ${name} --url ${given}${checksum ? ` --checksum-algorithm ${checksum.algorithm} --checksum ${checksum.sum}` : ''}`
    return run(
      storageDownload.job({ node, storage, content, name, checksum, from: template ? { template } : { url: given } }),
      {
        title: say('title', { name, storage }),
        node,
        shows: [
          { name: say('file'), value: volid },
          { name: say('url'), value: template ? 'download.proxmox.com' : given },
          { name: labels.node, value: node },
          ...(free === undefined ? [] : [{ name: say('free'), value: formatSize(free) }]),
          ...(checksum ? [{ name: say('sum'), value: `${checksum.algorithm} ${checksum.sum}` }] : []),
        ],
        warnings: [
          ...(template || checksum ? [] : [say('noSum')]),
          ...(address?.protocol === 'http:' && !checksum ? [say('plain')] : []),
        ],
        explain: {
          shell: [shell],
          clicks: [
            say('clickStorage', { storage, node, panel: say(content) }),
            template ? say('clickTemplate', { name }) : say('clickUrl', { url: given, name }),
          ],
        },
        state: { volid },
      },
    )

    async function templateNamed(text: string): Promise<string> {
      const node = nodes.find((one) => one.status === 'online' && (wanted === undefined || one.name === wanted))?.name
      if (/[:/\s]/.test(text) || node === undefined) throw new Refused('bad-url', { given: text.slice(0, 80) })
      const names = (await proxmox.appliances(node, { signal })).map((one) => one.template)
      if (names.includes(text)) return text
      const close = near(text, names)
      throw new Refused('bad-url', { given: close.length > 0 ? `${text} (${close.join(', ')}?)` : text.slice(0, 80) })
    }
  },
})

function takerOf(
  takers: readonly StorageOnNode[],
  { storage, content, url }: { storage: string | undefined; content: string; url: string },
): StorageOnNode {
  const [first] = takers
  if (!first) throw new Refused('no-taker', { content })
  if (storage === undefined) return first
  const found = takers.find((one) => one.storage.toLowerCase() === storage.toLowerCase())
  if (found) return found
  const storages = [...new Set(takers.map((one) => one.storage))].join(', ')
  throw new Refused('not-taken', { storage, content, storages, first: first.storage, url })
}
