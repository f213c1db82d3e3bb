import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findAnyNode } from '../../src/core/find.ts'
import { findSection } from '../../src/core/find-section.ts'
import { readHa } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import { storageRisks, toldRisk } from '../../src/core/storage-risks.ts'
import { type StorageUser, usersOf, usersText } from '../../src/core/storage-users.ts'
import { placesIn } from '../../src/ha/affinity.ts'
import { featuresOf } from '../../src/ha/storage-features.ts'
import type { StorageConfig } from '../../src/proxmox/port.ts'
import storageUpdate from '../../workers/storage-update.ts'

const contents = ['iso', 'vztmpl', 'import', 'backup', 'snippets', 'images', 'rootdir', 'none']

/** What a storage is for, on which nodes, whether it is shared and whether it is on; each shown before and after. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.storages, reads.guests, reads.nodes, reads.cluster],
  args: z.object({
    storage: arg.storage(),
    content: arg.text().optional(),
    nodes: arg.text().optional(),
    shared: arg.boolean().optional(),
    disabled: arg.boolean().optional(),
  }),
  positionals: ['storage'],
  text: {
    en: {
      summary: 'Change what a storage is for, on which nodes, and whether it is on',
      args: {
        storage: 'Name of the storage',
        content: 'What it is for, all of it: iso, vztmpl, import, backup, snippets, images, rootdir, none',
        nodes: 'Only on these nodes; all: on every node',
        shared: 'Whether all nodes reach the same bytes (LVM, folder)',
        disabled: 'true: nothing uses it any more; false: it is on again',
      },
      words: {
        title: 'Change storage {storage} ({type})',
        same: 'Storage {storage} is like that already',
        sameText: 'Nothing was done.',
        all: 'all',
        change: '{was} → {becomes}',
        sharedOnly:
          'This only tells Proxmox that all nodes reach the same bytes; it does not make it so. If each node has its own, a machine started elsewhere finds no disk.',
        sharedNoMore: 'High availability no longer starts machines with a disk on it on other nodes.',
        clickMenu: 'Datacenter → Storage → select {storage} → Edit',
        clickSet: 'Set {fields}, click "OK"',
      },
      refusals: {
        'nothing-given': {
          says: 'Nothing is said that should change.',
          hint: 'storage update {storage} content:iso,vztmpl   # or nodes:, shared:, disabled:',
        },
        'unknown-content': { says: 'There is no content {given}.', hint: 'One or more of: {contents}' },
        'shared-by-type': {
          says: 'Whether a storage of type {type} is shared lies in its type and cannot be set.',
          hint: 'storage list',
        },
        'storage-in-use': {
          says: 'Machines use what {storage} would lose: {guests}. They could not start any more.',
          hint: 'Move those disks elsewhere or take the CD-ROMs out first: storage contents {storage}',
        },
      },
    },
    es: {
      summary: 'Cambiar para qué es un almacenamiento, en qué nodos, y si está activo',
      args: {
        storage: 'Nombre del almacenamiento',
        content: 'Para qué es, todo: iso, vztmpl, import, backup, snippets, images, rootdir, none',
        nodes: 'Solo en estos nodos; all: en todos',
        shared: 'Si todos los nodos llegan a los mismos bytes (LVM, carpeta)',
        disabled: 'true: ya nada lo usa; false: vuelve a estar activo',
      },
      words: {
        title: 'Cambiar el almacenamiento {storage} ({type})',
        same: 'El almacenamiento {storage} ya está así',
        sameText: 'No se hizo nada.',
        all: 'todos',
        change: '{was} → {becomes}',
        sharedOnly:
          'Esto solo le dice a Proxmox que todos los nodos llegan a los mismos bytes; no lo hace cierto. Si cada nodo tiene los suyos, una máquina que arranca en otro no encuentra su disco.',
        sharedNoMore: 'La alta disponibilidad ya no arranca en otros nodos las máquinas con un disco ahí.',
        clickMenu: 'Datacenter → Storage → selecciona {storage} → Edit',
        clickSet: 'Pon {fields}, clic en «OK»',
      },
      refusals: {
        'nothing-given': {
          says: 'No se dice qué debe cambiar.',
          hint: 'storage update {storage} content:iso,vztmpl   # o nodes:, shared:, disabled:',
        },
        'unknown-content': { says: 'No existe el contenido {given}.', hint: 'Uno o más de: {contents}' },
        'shared-by-type': {
          says: 'Si un almacenamiento de tipo {type} es compartido depende de su tipo y no se puede cambiar.',
          hint: 'storage list',
        },
        'storage-in-use': {
          says: 'Hay máquinas que usan lo que {storage} perdería: {guests}. Ya no podrían arrancar.',
          hint: 'Primero muda esos discos a otro lado o saca los CD-ROM: storage contents {storage}',
        },
      },
    },
  },
  examples: [
    { say: 'storage update NASAccess content:iso,vztmpl', plans: 'storage-update' },
    { say: 'storage update NASAccess nodes:pve1,pve2', plans: 'storage-update' },
    { say: 'storage update NASAccess nodes:all', answers: true },
    { say: 'storage update NASAccess', refuses: 'nothing-given' },
    { say: 'storage update NASAccess content:isos', refuses: 'unknown-content' },
    { say: 'storage update NASAccess shared:false', refuses: 'shared-by-type' },
    { say: 'storage update local-lvm disabled:true', refuses: 'storage-in-use' },
    { say: 'storage update NASAcess disabled:true', refuses: 'no-storage-near' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { say: shared } = house.words[asker.language]
    const [config, { nodes }, { version }] = await Promise.all([
      proxmox.storageConfig({ signal }),
      proxmox.resources({ signal }),
      proxmox.capabilities({ signal }),
    ])
    const is = findSection(config, args.storage, cluster)
    const { storage, type } = is
    const wanted = {
      content: args.content === undefined ? undefined : contentIn(args.content),
      nodes: args.nodes === undefined ? undefined : nodesIn(args.nodes),
      shared: args.shared,
      disabled: args.disabled,
    }
    if (Object.values(wanted).every((value) => value === undefined)) throw new Refused('nothing-given', { storage })
    if (wanted.shared !== undefined && featuresOf(type, version.major)?.shared !== 'possible') {
      throw new Refused('shared-by-type', { type })
    }
    const set = changed(is, wanted)
    if (Object.keys(set).length === 0) {
      return answer({ title: say('same', { storage }), state: 'ok', text: say('sameText') })
    }
    const users = takes(is, set) ? await usersOf(proxmox, storage, signal) : []
    const left = users.filter((user) => losesBy(user, is, set))
    if (left.length > 0) throw new Refused('storage-in-use', { storage, guests: usersText(left) })
    const future = {
      ...is,
      ...(set.nodes === undefined ? {} : { nodes: set.nodes ?? undefined }),
      ...(set.shared === undefined ? {} : { shared: set.shared }),
    } as StorageConfig
    const risks = set.nodes || set.shared === false ? await haRisks(future) : []
    const yesNo = (value: boolean) => (value ? shared.yes : shared.no)
    const listed = (value: readonly string[] | null | undefined) => (value?.length ? value.join(', ') : say('all'))
    const rows: [name: string, was: string, becomes: string][] = [
      ...(set.content ? [row('content', is.content.join(', '), set.content.join(', '))] : []),
      ...(set.nodes === undefined ? [] : [row('nodes', listed(is.nodes), listed(set.nodes))]),
      ...(set.shared === undefined ? [] : [row('shared', yesNo(is.shared), yesNo(set.shared))]),
      ...(set.disabled === undefined ? [] : [row('disable', yesNo(is.disabled), yesNo(set.disabled))]),
    ]
    const flags = [
      ...(set.content ? [`--content ${set.content.join(',')}`] : []),
      ...(set.nodes ? [`--nodes ${set.nodes.join(',')}`] : set.nodes === null ? ['--delete nodes'] : []),
      ...(set.shared === undefined ? [] : [`--shared ${Number(set.shared)}`]),
      ...(set.disabled === undefined ? [] : [`--disable ${Number(set.disabled)}`]),
    ]
    const node = nodes.find(({ status }) => status === 'online')?.name ?? ''
    return run(storageUpdate.job({ storage, type, set, digest: is.digest, node }), {
      title: say('title', { storage, type }),
      node,
      shows: rows.map(([name, was, becomes]) => ({ name, value: say('change', { was, becomes }) })),
      warnings: [
        ...(set.shared === true ? [say('sharedOnly')] : []),
        ...(set.shared === false ? [say('sharedNoMore')] : []),
        ...risks.map((risk) => toldRisk(risk, house.words[asker.language])),
      ],
      explain: {
        shell: [`pvesm set ${storage} ${flags.join(' ')}`],
        clicks: [
          say('clickMenu', { storage }),
          say('clickSet', { fields: rows.map(([name, , becomes]) => `${name} ${becomes}`).join('; ') }),
        ],
      },
      state: is,
    })

    /** Machines under high availability that would no longer find their disk on a node of theirs. */
    async function haRisks(section: StorageConfig) {
      const site = await readHa(proxmox, signal)
      const all = await storageRisks(proxmox, { site, sections: [section], allowed: placesIn(site) }, signal)
      return all.filter((risk) => risk.storage === storage && (risk.code === 'limited' || risk.code === 'local'))
    }

    function nodesIn(text: string): string[] | null {
      if (text.trim().toLowerCase() === 'all') return null
      return listIn(text).map((name) => findAnyNode(nodes, name, cluster).name)
    }
  },
})

const row = (name: string, was: string, becomes: string): [string, string, string] => [name, was, becomes]
const listIn = (text: string) => [...new Set(text.split(/[,;\s]+/).filter(Boolean))]

function contentIn(text: string): string[] {
  const given = listIn(text.toLowerCase())
  const odd = given.find((one) => !contents.includes(one))
  if (odd !== undefined || given.length === 0) {
    throw new Refused('unknown-content', { given: odd ?? text, contents: contents.join(', ') })
  }
  return given
}

interface Wanted {
  content?: string[] | undefined
  /** Null: all. */
  nodes?: string[] | null | undefined
  shared?: boolean | undefined
  disabled?: boolean | undefined
}
type Changes = { [K in keyof Wanted]: Exclude<Wanted[K], undefined> }

const asText = (list: readonly string[] | null | undefined) => [...(list ?? [])].sort().join(',')

/** Only what is not so already. */
function changed(is: StorageConfig, { content, nodes, shared, disabled }: Wanted): Changes {
  return {
    ...(content === undefined || asText(content) === asText(is.content) ? {} : { content }),
    ...(nodes === undefined || asText(nodes) === asText(is.nodes) ? {} : { nodes }),
    ...(shared === undefined || shared === is.shared ? {} : { shared }),
    ...(disabled === undefined || disabled === is.disabled ? {} : { disabled }),
  }
}

/** Whether the change takes anything from anybody. */
const takes = (is: StorageConfig, { content, nodes, disabled }: Changes): boolean =>
  disabled === true || Boolean(nodes) || (content !== undefined && is.content.some((one) => !content.includes(one)))

function losesBy({ kind, node }: StorageUser, is: StorageConfig, { content, nodes, disabled }: Changes): boolean {
  if (disabled || (nodes && !nodes.includes(node))) return true
  const needed = kind === 'cdrom' ? ['iso'] : ['images', 'rootdir']
  return needed.some((one) => is.content.includes(one) && content !== undefined && !content.includes(one))
}
