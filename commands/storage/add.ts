import { z } from 'zod'
import { arg, formatSize } from '../../src/core/args.ts'
import { answer, defineCommand, type Plan, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findAnyNode } from '../../src/core/find.ts'
import { lookAtLun } from '../../src/core/lun.ts'
import { reads } from '../../src/core/needs.ts'
import {
  defaultContent,
  differencesOf,
  isSameThing,
  isStorageId,
  type StorageType,
  secretOf,
  storageParams,
  storageTypes,
  storageWants,
} from '../../src/core/storage-params.ts'
import { redundancyRisks, toldRisk } from '../../src/core/storage-risks.ts'
import { featuresOf } from '../../src/ha/storage-features.ts'
import type { StorageConfig } from '../../src/proxmox/port.ts'
import storageAdd from '../../workers/storage-add.ts'

/** Types whose disks Proxmox cannot look at: nothing says whether they survive the loss of one. */
const onRawDisks: ReadonlySet<StorageType> = new Set(['dir', 'lvm', 'lvmthin', 'zfspool'])

/**
 * A storage for the whole cluster. A LUN that may hold something is a decision of its own: Proxmox clears its first
 * sector without looking.
 */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.storages, reads.nodes, reads.cluster],
  args: z.object({
    id: arg.text(),
    type: arg.choice(storageTypes),
    server: arg.text().optional(),
    export: arg.text().optional(),
    share: arg.text().optional(),
    portal: arg.text().optional(),
    target: arg.text().optional(),
    base: arg.text().optional(),
    vg: arg.text().optional(),
    thinpool: arg.text().optional(),
    pool: arg.text().optional(),
    path: arg.text().optional(),
    datastore: arg.text().optional(),
    namespace: arg.text().optional(),
    fingerprint: arg.text().optional(),
    username: arg.text().optional(),
    domain: arg.text().optional(),
    monhost: arg.text().optional(),
    fsname: arg.text().optional(),
    content: arg.text().optional(),
    nodes: arg.text().optional(),
    shared: arg.boolean().optional(),
    wipe: arg.boolean().optional(),
  }),
  positionals: ['id'],
  wants: ({ type }) => storageWants(type),
  text: {
    en: {
      summary: 'Add a storage to the cluster and see whether every node reaches it',
      args: {
        id: 'Name of the storage',
        type: 'What it is',
        server: 'Address of the server (NFS, CIFS, PBS)',
        export: 'Path that the NFS server exports',
        share: 'Share of the CIFS server',
        portal: 'Address of the iSCSI portal',
        target: 'iSCSI target: iqn…',
        base: 'LUN on which the volume group lies: array:0.0.0.scsi-36…',
        vg: 'LVM volume group',
        thinpool: 'Thin pool in the volume group',
        pool: 'ZFS or Ceph pool',
        path: 'Folder on the nodes',
        datastore: 'Datastore of the backup server',
        namespace: 'Namespace (PBS, RBD)',
        fingerprint: "Fingerprint of the backup server's certificate",
        username: 'User on the server; the password is asked for outside of the chat',
        domain: 'Domain of the user (CIFS)',
        monhost: 'Monitors of a foreign Ceph; its key is asked for outside of the chat',
        fsname: 'Name of the CephFS',
        content: 'What it is for: iso, vztmpl, backup, images, rootdir, snippets, import, none',
        nodes: 'Only on these nodes; without it, on all',
        shared: 'Whether all nodes reach the same bytes (LVM, folder); suggested: yes with a base',
        wipe: 'true: clear the LUN although nothing proves that it is empty',
      },
      words: {
        title: 'Add storage {id} ({type})',
        there: 'Storage {id} ({type}) is there already, just like that',
        thereText: 'Nothing was done.',
        lun: 'LUN',
        lunOurs: '{lun} ({size}): holds {vg} already, which is kept',
        lunWiped: '{lun} ({size}): cleared, then {vg} is made on it',
        everyNode: 'all',
        secret: 'asked for outside of the chat',
        twin: '{other} has the same bytes already: what is deleted on one of the two is gone on both.',
        wiped:
          'Proxmox clears the first sector of this LUN without looking at it. If anybody keeps something there, it is lost.',
        local:
          'Storage {id} is not shared: each node has its own. A machine with a disk on it cannot be started on another node by high availability.',
        notShared:
          'The volume group lies on disks that several nodes may reach, yet it would not be marked as shared: high availability could not start its machines elsewhere. Give shared:true if every node reaches it.',
        some: 'Only {nodes} will have it. High availability cannot start a machine with a disk on it anywhere else.',
        redundancy:
          'Whether its disks survive the loss of one is not known to Proxmox. A single disk or RAID 0 is not redundant. Look with: {look}',
        multipath: 'Several paths to the array are not known to Proxmox. Look with: multipath -ll',
        thick: 'Thick LVM: no linked clones on it{snapshots}.',
        noSnapshots: ', and no snapshots',
        clickMenu: 'Datacenter → Storage → Add → {kind}',
        clickId: 'ID: {id}; fill in: {fields}',
        clickAdd: 'Click "Add"',
      },
      refusals: {
        'bad-id': {
          says: '"{id}" is no name for a storage: letters, digits, - _ . and a letter first.',
          hint: 'storage add NAME type:{type}',
        },
        'not-of-type': {
          says: 'A storage of type {type} takes no {args}.',
          hint: 'help storage add',
        },
        'storage-taken': { says: 'There is a storage {id} already ({type}).', hint: 'storage list' },
        'storage-differs': {
          says: 'Storage {id} ({type}) is there already, and not quite like that. Different: {differs}.',
          hint: 'storage update {id} {differs}',
        },
        'target-taken': {
          says: 'Storage {storage} is the target {target} already; a second one would log in to it twice.',
          hint: 'storage contents {storage}',
        },
        'no-node': { says: 'No node that should have it is online.', hint: 'host list' },
      },
    },
    es: {
      summary: 'Añadir un almacenamiento al clúster y ver si todos los nodos llegan a él',
      args: {
        id: 'Nombre del almacenamiento',
        type: 'Qué es',
        server: 'Dirección del servidor (NFS, CIFS, PBS)',
        export: 'Ruta que exporta el servidor NFS',
        share: 'Recurso del servidor CIFS',
        portal: 'Dirección del portal iSCSI',
        target: 'Destino iSCSI: iqn…',
        base: 'LUN donde está el grupo de volúmenes: array:0.0.0.scsi-36…',
        vg: 'Grupo de volúmenes LVM',
        thinpool: 'Thin pool del grupo de volúmenes',
        pool: 'Pool de ZFS o de Ceph',
        path: 'Carpeta en los nodos',
        datastore: 'Datastore del servidor de respaldos',
        namespace: 'Namespace (PBS, RBD)',
        fingerprint: 'Huella del certificado del servidor de respaldos',
        username: 'Usuario en el servidor; la contraseña se pide fuera del chat',
        domain: 'Dominio del usuario (CIFS)',
        monhost: 'Monitores de un Ceph ajeno; su clave se pide fuera del chat',
        fsname: 'Nombre del CephFS',
        content: 'Para qué es: iso, vztmpl, backup, images, rootdir, snippets, import, none',
        nodes: 'Solo en estos nodos; sin él, en todos',
        shared: 'Si todos los nodos llegan a los mismos bytes (LVM, carpeta); sugerido: sí con base',
        wipe: 'true: borrar la LUN aunque nada prueba que esté vacía',
      },
      words: {
        title: 'Añadir el almacenamiento {id} ({type})',
        there: 'El almacenamiento {id} ({type}) ya está, tal cual',
        thereText: 'No se hizo nada.',
        lun: 'LUN',
        lunOurs: '{lun} ({size}): ya tiene {vg}, que se conserva',
        lunWiped: '{lun} ({size}): se borra, y luego se crea {vg} en ella',
        everyNode: 'todos',
        secret: 'se pide fuera del chat',
        twin: '{other} ya tiene los mismos bytes: lo que se borra en uno de los dos desaparece en ambos.',
        wiped: 'Proxmox borra el primer sector de esta LUN sin mirarla. Si alguien guarda algo ahí, se pierde.',
        local:
          'El almacenamiento {id} no es compartido: cada nodo tiene el suyo. La alta disponibilidad no puede encender en otro nodo una máquina con un disco ahí.',
        notShared:
          'El grupo de volúmenes está en discos a los que quizá llegan varios nodos, pero no quedaría marcado como compartido: la alta disponibilidad no podría encender sus máquinas en otro lado. Escribe shared:true si todos los nodos llegan.',
        some: 'Solo {nodes} lo tendrán. La alta disponibilidad no puede encender en otro lado una máquina con un disco ahí.',
        redundancy:
          'Proxmox no sabe si sus discos sobreviven a la pérdida de uno. Un solo disco o RAID 0 no es redundante. Míralo con: {look}',
        multipath: 'Proxmox no sabe si hay varios caminos al arreglo. Míralo con: multipath -ll',
        thick: 'LVM clásico: no admite clones enlazados{snapshots}.',
        noSnapshots: ' ni instantáneas',
        clickMenu: 'Datacenter → Storage → Add → {kind}',
        clickId: 'ID: {id}; completa: {fields}',
        clickAdd: 'Clic en «Add»',
      },
      refusals: {
        'bad-id': {
          says: '«{id}» no sirve como nombre de almacenamiento: letras, dígitos, - _ . y primero una letra.',
          hint: 'storage add NOMBRE type:{type}',
        },
        'not-of-type': {
          says: 'Un almacenamiento de tipo {type} no lleva {args}.',
          hint: 'help storage add',
        },
        'storage-taken': { says: 'Ya hay un almacenamiento {id} ({type}).', hint: 'storage list' },
        'storage-differs': {
          says: 'El almacenamiento {id} ({type}) ya está, y no exactamente así. Distinto: {differs}.',
          hint: 'storage update {id} {differs}',
        },
        'target-taken': {
          says: 'El almacenamiento {storage} ya es el destino {target}; otro iniciaría sesión en él dos veces.',
          hint: 'storage contents {storage}',
        },
        'no-node': { says: 'Ningún nodo que debería tenerlo está en línea.', hint: 'host list' },
      },
    },
  },
  examples: [
    {
      say: 'storage add isos type:nfs server:172.16.1.20 export:/volume1/NASAccess content:iso,vztmpl',
      plans: 'storage-add',
    },
    {
      say: 'storage add array type:iscsi portal:172.16.1.30 target:iqn.2001-05.com.example:array.lun0',
      plans: 'storage-add',
    },
    { say: 'storage add NASAccess type:nfs server:172.16.1.20 export:/volume1/NASAccess', answers: true },
    { say: 'storage add NASAccess type:nfs server:172.16.1.21 export:/isos', refuses: 'storage-taken' },
    { say: 'storage add isos type:nfs server:172.16.1.20', asks: true },
    { say: 'storage add vg2 type:lvm vg:vg2 base:array:0.0.1.scsi-36001', refuses: 'no-such-base' },
    { say: 'storage add data type:zfspool pool:tank vg:data', refuses: 'not-of-type' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { id, type, wipe, base, vg } = args
    const { labels } = house.words[asker.language]
    if (!isStorageId(id)) throw new Refused('bad-id', { id, type })
    const wrong = storageWants(type).never.filter((name) => args[name] !== undefined)
    if (wrong.length > 0) throw new Refused('not-of-type', { type, args: wrong.join(', ') })
    const [config, { nodes }, { version }] = await Promise.all([
      proxmox.storageConfig({ signal }),
      proxmox.resources({ signal }),
      proxmox.capabilities({ signal }),
    ])
    const only = args.nodes?.split(/[,\s]+/).map((name) => findAnyNode(nodes, name, cluster).name)
    const features = featuresOf(type, version.major)
    const shared = features?.shared === 'possible' ? (args.shared ?? base !== undefined) : undefined
    const params: Record<string, string | boolean> = {
      ...storageParams(type, args),
      content: args.content?.replace(/\s+/g, '') ?? defaultContent(type),
      ...(only === undefined ? {} : { nodes: only.join(',') }),
      ...(shared === undefined ? {} : { shared }),
    }
    const there = config.find(({ storage }) => storage.toLowerCase() === id.toLowerCase())
    if (there) return isAlready(there)
    const target = config.find((one) => one.type === 'iscsi' && type === 'iscsi' && isSameThing(one, { type, params }))
    if (target) throw new Refused('target-taken', { storage: target.storage, target: args.target })
    const node = nodes.find(({ name, status }) => status === 'online' && (only?.includes(name) ?? true))?.name
    if (node === undefined) throw new Refused('no-node')
    const lun = base === undefined ? undefined : await lookAtLun(proxmox, { base, vg: vg!, node, signal })
    const wipes = lun?.holds === 'unproved'
    if (lun && wipes && wipe !== true) {
      const line = `storage add ${id} type:lvm vg:${vg} base:${base}`
      throw new Refused('lun-not-proved', { base, size: formatSize(lun.size), line })
    }
    const secret = secretOf(type, args)
    const isShared = features?.shared === 'always' || shared === true
    const able = nodes.filter(({ name }) => only?.includes(name) ?? true)
    const candidate = { storage: id, type, content: [], shared: isShared, disabled: false, options: textual(params) }
    const looked = lun ? [] : await redundancyRisks(proxmox, [candidate], able, signal)
    const below = looked.filter(({ code }) => code !== 'unlooked')
    // ZFS says itself how its disks stand together; below LVM and folders a RAID may be that nobody sees.
    const isSeen = type === 'zfspool' && looked.length === below.length
    const twins = config.filter((one) => isSameThing(one, { type, params }))
    const warnings = [
      ...(wipes ? [say('wiped')] : []),
      ...(isShared || features?.disks === false ? [] : [type === 'lvm' ? say('notShared') : say('local', { id })]),
      ...(only !== undefined && only.length < nodes.length ? [say('some', { nodes: only.join(', ') })] : []),
      ...(type === 'lvm' ? [say('thick', { snapshots: features?.snapshots === 'no' ? say('noSnapshots') : '' })] : []),
      ...(twins.length > 0 ? [say('twin', { other: twins.map(({ storage }) => storage).join(', ') })] : []),
      ...(type === 'iscsi' ? [say('multipath')] : []),
      ...below.map((risk) => toldRisk(risk, house.words[asker.language])),
      ...(onRawDisks.has(type) && lun === undefined && !isSeen
        ? [say('redundancy', { look: lookFor(type, args) })]
        : []),
    ]
    const about = { size: formatSize(lun?.size ?? 0), lun: lun?.volid, vg }
    const shows = Object.entries(params).map(([name, value]) => ({ name, value: String(value) }))
    const plan = run(storageAdd.job({ id, type, params, secret, lun, node, only: only ?? null }), {
      title: say('title', { id, type }),
      node,
      shows: [
        ...shows.filter(({ name }) => name !== 'base' && name !== 'nodes'),
        { name: labels.node, value: only?.join(', ') ?? say('everyNode') },
        ...(lun ? [{ name: say('lun'), value: say(wipes ? 'lunWiped' : 'lunOurs', about) }] : []),
        ...(secret ? [{ name: secret, value: say('secret') }] : []),
      ],
      warnings,
      explain: {
        shell: [
          `pvesm add ${type} ${id} ${shows.map(({ name, value }) => `--${name} ${shellValue(value)}`).join(' ')}${secret ? ` --${secret} …` : ''}`,
        ],
        clicks: [
          say('clickMenu', { kind: kinds[type] }),
          say('clickId', { id, fields: shows.map(({ name, value }) => `${name} ${value}`).join(', ') }),
          say('clickAdd'),
        ],
      },
      state: { lun },
    })
    return wipes && plan.kind === 'run' ? { ...plan, risk: 'destroys' } : plan

    function isAlready(is: StorageConfig): Plan {
      const taken = { id: is.storage, type: is.type }
      if (is.storage !== id || !isSameThing(is, { type, params })) throw new Refused('storage-taken', taken)
      const differs = Object.entries(differencesOf(is, params)).map(([name, value]) => `${name}:${value}`)
      if (differs.length > 0) throw new Refused('storage-differs', { ...taken, differs: differs.join(' ') })
      return answer({ title: say('there', taken), state: 'ok', text: say('thereText') })
    }
  },
})

const textual = (params: Record<string, string | boolean>) =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))

const shellValue = (value: string) => (value === 'true' ? '1' : value === 'false' ? '0' : value)

/** As the web interface calls them. */
const kinds: Record<StorageType, string> = {
  nfs: 'NFS',
  cifs: 'SMB/CIFS',
  iscsi: 'iSCSI',
  lvm: 'LVM',
  lvmthin: 'LVM-Thin',
  zfspool: 'ZFS',
  dir: 'Directory',
  rbd: 'RBD',
  cephfs: 'CephFS',
  pbs: 'Proxmox Backup Server',
}

function lookFor(type: StorageType, { pool, vg }: { pool?: string | undefined; vg?: string | undefined }): string {
  if (type === 'zfspool') return `zpool status ${pool}`
  return type === 'dir' ? 'lsblk' : `pvs -S vg_name=${vg}`
}
