import type { Same } from '../core/language.ts'
import type { storageEn, storageErrorsEn } from './storage-en.ts'

/** Lo que se dice de los almacenamientos en varios lugares. */
export const storageEs: Same<typeof storageEn> = {
  active: 'activo',
  room: 'activo, {free} de {total} libres',
  inactive: 'NO activo: {line}',
  unsaid: 'Proxmox no dice por qué',
  offline: 'fuera de línea: no se sabe',
  warns: '{node} no llega a {storage}: {line}. Una máquina con su disco o su ISO ahí no puede arrancar en {node}.',
  full: '{storage} está lleno: quedan {free} de {total} en {node}. No cabe nada más hasta que se borre algo: storage contents {storage}',
  allReach: 'todos los nodos llegan',
  someReach: 'llegan {count} de {all} nodos',
  risks: {
    local:
      '{storage} no es compartido: cada nodo tiene el suyo. Si falla {homes}, la alta disponibilidad no puede arrancar {guests} en otro nodo, porque el disco se queda atrás.',
    limited:
      '{storage} no está en {nodes}, donde la alta disponibilidad puede arrancar {guests}: ahí fallaría. Mira: ha rules',
    unreached:
      'A {storage} no se llega ahora desde {nodes}, donde la alta disponibilidad puede arrancar {guests}: ahí fallaría.',
    single:
      'El pool ZFS {pool} de {node} tiene un solo disco. Eso no es redundante: si muere, se pierde todo lo que hay en {storage} ahí.',
    striped:
      'El pool ZFS {pool} de {node} está repartido en {count} discos (como RAID 0). Eso no es redundante: si muere uno de ellos, se pierde todo lo que hay en {storage} ahí.',
    degraded:
      'El pool ZFS {pool} de {node} está {state}: falta un disco o falla. Mira: zpool status {pool}   # en {node}',
    spanned:
      'El grupo de volúmenes {vg} de {node} está en {count} discos, uno tras otro. Eso no es redundante, salvo que cada uno sea un RAID: si muere uno, se pierde {storage} ahí. Mira: pvs -S vg_name={vg}',
    unlooked: 'No se pudo leer en {nodes} si los discos debajo de {storage} sobreviven a la pérdida de uno.',
  },
}

export const storageErrorsEs: Same<typeof storageErrorsEn> = {
  'no-such-base': {
    says: '{base} no es una LUN: ningún almacenamiento iSCSI se llama «{array}».',
    hint: 'storage add {array} type:iscsi portal:DIRECCIÓN target:IQN',
  },
  'no-such-lun': { says: '{array} no tiene la LUN {base}. Tiene: {luns}.', hint: 'storage contents {array}' },
  'lun-not-proved': {
    says: 'Nada prueba que la LUN {base} ({size}) esté vacía o sea nuestra. Proxmox borraría su primer sector sin mirar, así que no se tocó.',
    hint: '{line} wipe:true   # solo si nadie guarda nada ahí; otra persona debe aprobar',
  },
  'lun-in-use': { says: 'La LUN {base} ya es la base del almacenamiento {storage}.', hint: 'storage list' },
  'vg-elsewhere': {
    says: 'Ya hay un grupo de volúmenes {vg}, y nada prueba que esté en {base} ({size}). Proxmox borraría el primer sector de esa LUN y después fallaría, así que no se tocó.',
    hint: 'pvs -o pv_name,vg_name,pv_size   # en una consola de un nodo: dónde está {vg}; o elige otro vg:',
  },
  'lun-of-another': {
    says: 'La LUN {base} ({size}) parece tener el grupo de volúmenes {other}, no {vg}. No se tocó.',
    hint: 'pvs -o pv_name,vg_name,pv_size   # en una consola de un nodo; si es {other} el que quieres, escribe vg:{other}',
  },
  'storage-used': {
    says: 'Hay máquinas con discos o CD-ROM en {storage}: {guests}.',
    hint: 'Primero muda esos discos a otro lado o saca los CD-ROM: storage contents {storage}',
  },
  'storage-not-online': {
    says: 'El servidor o el arreglo detrás del almacenamiento no responde.',
    hint: 'Mira si está encendido y si el nodo llega a él, y escribe la línea otra vez',
  },
  'mount-refused': {
    says: 'El servidor no deja que este nodo monte lo que se pidió.',
    hint: 'Permite en el servidor las direcciones de todos los nodos, y escribe la línea otra vez',
  },
  'storage-login': {
    says: 'El servidor no acepta este usuario y esta contraseña.',
    hint: 'Revísalos en el servidor y escribe la línea otra vez: la contraseña se vuelve a pedir',
  },
  'no-datastore': {
    says: 'El servidor de respaldos responde y no tiene el datastore {datastore}, o este usuario no puede verlo.',
    hint: 'proxmox-backup-manager datastore list   # en el servidor de respaldos; el usuario necesita DatastoreBackup en /datastore/{datastore}',
  },
  'storage-fingerprint': {
    says: 'El servidor de respaldos muestra otro certificado, no el que se dio.',
    hint: 'proxmox-backup-manager cert info   # en el servidor de respaldos; luego la línea otra vez con fingerprint:',
  },
  'no-volume-group': {
    says: 'El nodo no ve ningún grupo de volúmenes {vg}.',
    hint: 'vgs   # en una consola del nodo',
  },
  'no-zfs-pool': {
    says: 'El nodo no tiene ningún pool ZFS {pool}.',
    hint: 'zpool list   # en una consola del nodo; zpool import lista los que están ahí y duermen',
  },
  'no-folder': {
    says: 'La carpeta {path} no está en el nodo, o lo que está montado ahí no responde.',
    hint: 'ls -ld {path}   # en una consola del nodo',
  },
  'no-export': {
    says: '{server} responde y no exporta {wanted}. Exporta: {there}.',
    hint: 'storage add {id} type:nfs server:{server} export:{first}',
  },
  'no-target': {
    says: '{server} responde y no tiene el destino {wanted}. Tiene: {there}.',
    hint: 'storage add {id} type:iscsi portal:{server} target:{first}',
  },
  'no-group': {
    says: 'El nodo {server} no ve el grupo de volúmenes {wanted}. Ve: {there}.',
    hint: 'storage add {id} type:lvm vg:{first}',
  },
  'no-pool': {
    says: 'El nodo {server} no ve el pool ZFS {wanted}. Ve: {there}.',
    hint: 'storage add {id} type:zfspool pool:{first}',
  },
  'no-thin-pool': {
    says: 'El grupo de volúmenes {vg} en {server} no tiene el thin pool {wanted}. Tiene: {there}.',
    hint: 'storage add {id} type:lvmthin vg:{vg} thinpool:{first}',
  },
  'no-share': {
    says: '{server} responde y no comparte {wanted}. Comparte: {there}.',
    hint: 'storage add {id} type:cifs server:{server} share:{first}',
  },
  'no-storage': {
    says: 'Ningún almacenamiento se llama «{given}» en {cluster}. Hay: {storages}.',
    hint: 'storage list',
  },
  'storage-of-kind': {
    says: 'Un almacenamiento va solo con kind:storage, no con kind:{kind}.',
    hint: 'drill plan {node} kind:storage storage:{storage}',
  },
  'no-storage-near': {
    says: 'Ningún almacenamiento se llama «{given}» en {cluster}. ¿Quisiste decir {near}?',
    hint: 'storage list',
  },
  'no-such-iso': {
    says: 'No hay ninguna imagen ISO «{given}» que el nodo {node} alcance.',
    hint: 'storage contents',
  },
  'no-such-iso-near': {
    says: 'No hay ninguna imagen ISO «{given}» que el nodo {node} alcance. ¿Quisiste decir {near}?',
    hint: 'storage contents',
  },
  'volume-of-guest': {
    says: '{volid} es de {name} ({vmid}), en {node}{drive}. Borrado aquí, la máquina se quedaría sin él.',
    hint: 'vm show {vmid}   # primero saca ahí el disco; o: vm delete {vmid}',
  },
  'volume-used': {
    says: '{volid} está en la unidad de {guests}. Sin él no podrían arrancar.',
    hint: 'vm cdrom {vmid} eject drive:{drive}   # lo saca; luego la línea otra vez',
  },
  'volume-linked': {
    says: 'Sobre este disco se apoyan clones enlazados, así que Proxmox lo conserva.',
    hint: 'vm list',
  },
  'volume-protected': {
    says: 'El respaldo está protegido, así que Proxmox lo conserva.',
    hint: 'pvesm set {volume} --protected 0   # en una consola de un nodo, si puede irse',
  },
  'content-not-taken': { says: 'Un almacenamiento de este tipo no guarda {content}.', hint: 'storage list' },
  'vg-of-another': {
    says: 'El disco ya es del grupo de volúmenes {vg}. Proxmox no lo tocó.',
    hint: 'storage contents   # elige otra LUN, o escribe vg:{vg}',
  },
  'storage-base-used': {
    says: 'Otro almacenamiento se apoya en él (es su base), así que Proxmox no lo suelta.',
    hint: 'storage list',
  },
  'url-secret': {
    says: 'La dirección lleva un usuario o una contraseña. Aquí todos pueden leerla, y también quien vea la tarea.',
    hint: 'Usa una dirección sin eso, y cambia esa contraseña',
  },
  'url-local': {
    says: 'La dirección {host} es el propio nodo o su enlace, de donde no debe venir ningún archivo.',
    hint: 'storage download https://…',
  },
  'checksum-mismatch': {
    says: 'Lo que se descargó no es lo que promete la suma de verificación, así que Proxmox lo desechó.',
    hint: 'Vuelve a mirar la suma y la dirección en la página de quien hizo el archivo',
  },
  'download-failed': {
    says: 'El nodo no pudo traer la dirección: no existe, o el nodo no tiene cómo llegar.',
    hint: 'job log {job}',
  },
}
