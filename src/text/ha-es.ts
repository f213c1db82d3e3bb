import type { Same } from '../core/language.ts'
import { drillEs } from './ha-drill-es.ts'
import type { haEn, haErrorsEn } from './ha-en.ts'
import { impactEs } from './ha-impact-es.ts'
import { reasonsEs } from './ha-why-es.ts'

export const haEs: Same<typeof haEn> = {
  states: {
    queued: 'en cola: el gestor de HA todavía no la tomó',
    starting: 'encendiéndose',
    started: 'encendida',
    stopping: 'apagándose',
    request_stop: 'apagándose',
    request_start: 'por encenderse',
    request_start_balance: 'por encenderse, en un nodo menos ocupado',
    stopped: 'apagada, como se pidió',
    disabled: 'apagada y sin tocar (disabled)',
    migrate: 'mudándose en caliente',
    relocate: 'mudándose: se apaga aquí y se enciende allá',
    fence: 'su nodo se está aislando; nada se enciende hasta que eso sea seguro',
    recovery: 'espera un nodo donde pueda correr',
    freeze: 'congelada: no se la toca ni se la recupera',
    error: 'en error: HA ya no hace nada con ella. Mira: why {guest}',
    'clearing error flag': 'saliendo del estado de error',
    deleting: 'HA la está soltando',
    ignored: 'HA la ignora, como se pidió',
    ignore: 'HA está desarmada y la ignora',
    'not found': 'esa máquina ya no existe',
  },
  wanted: {
    started: 'encendida',
    enabled: 'encendida',
    stopped: 'apagada, y se recupera con su nodo',
    disabled: 'apagada y sin tocar',
    ignored: 'HA no hace nada con ella',
  },
  nodes: {
    online: 'en línea',
    maintenance: 'en mantenimiento',
    unknown: 'no se ve; al minuto otros toman sus máquinas',
    fence: 'aislándose',
    gone: 'ya no está en el clúster',
  },
  armed: {
    armed: 'armada: un nodo que se pierde se reinicia solo, y sus máquinas arrancan en otro',
    standby: 'en espera: no corre ningún watchdog, porque HA no tiene nada que cuidar',
    standbyDead: 'en espera aunque hay máquinas bajo HA: su gestor no trabaja',
    disarming: 'por quedar desarmada ({mode})',
    disarmed: 'DESARMADA ({mode}): nada se aísla, recupera ni muda hasta `ha arm`',
    unsaid: 'armada mientras haya máquinas bajo HA (esta versión no lo dice)',
  },
  policies: {
    conditional: {
      shutdown: 'las máquinas se apagan, y arrancan en otros nodos un minuto después de que se apagó',
      reboot:
        'las máquinas se apagan y quedan congeladas, y arrancan en el mismo nodo cuando vuelve; todo ese tiempo están caídas',
    },
    freeze: {
      shutdown: 'las máquinas se apagan y quedan congeladas: ningún otro nodo las toma',
      reboot: 'lo mismo; arrancan cuando el nodo vuelve',
    },
    failover: {
      shutdown: 'las máquinas se apagan, y arrancan en otros nodos un minuto después de que se apagó',
      reboot: 'lo mismo, salvo que el nodo vuelva en ese minuto',
    },
    migrate: {
      shutdown:
        'las máquinas se mudan antes en caliente (los contenedores se reinician), y vuelven con el nodo; espera hasta que todas se hayan ido',
      reboot: 'lo mismo',
    },
  },
  clicks: {
    open: 'Selecciona «Datacenter» en el árbol de la izquierda, luego «HA»',
    add: 'En «Resources» haz clic en «Add», elige {guest}, y pon lo que está arriba',
    edit: 'En «Resources» selecciona {sid}, haz clic en «Edit», y pon lo que está arriba',
    remove: 'En «Resources» selecciona {sid} y haz clic en «Remove»',
    move: 'Selecciona {guest} en el árbol de la izquierda, haz clic en «Migrate» arriba a la derecha, y elige {node}',
    rules: 'Haz clic en «Affinity Rules» bajo «HA»; ahí agrega, edita o quita {rule}',
    groups: 'Haz clic en «Groups» bajo «HA»; ahí crea, edita o quita {rule}',
    options: 'Haz clic en «Options» bajo «Datacenter», luego en «HA Settings», «Edit», y elige {policy}',
    noClicks: 'No hay un botón para esto; la línea de arriba es el camino',
  },
  reasons: reasonsEs,
  impact: impactEs,
  drill: drillEs,
  labels: {
    ha: 'HA',
    rule: 'Regla',
    prefers: 'Prefiere',
    strict: 'nunca en otro',
    together: 'juntas',
    apart: 'separadas',
    wanted: 'Se pide',
    restart: 'Reintentos en el mismo nodo',
    relocate: 'Otros nodos que se prueban',
    failback: 'Vuelve a casa cuando su nodo regresa',
    comment: 'Comentario',
    guests: 'Máquinas',
    nodes: 'Nodos',
    policy: 'Política de apagado',
    onShutdown: 'Al apagar',
    onReboot: 'Al reiniciar',
    next: 'Siguiente paso',
  },
}

export const haErrorsEs: Same<typeof haErrorsEn> = {
  'ha-not-under': { says: '{name} no está bajo alta disponibilidad.', hint: 'ha add {guest}' },
  'ha-no-nodes': { says: 'La regla {rule} no nombra ningún nodo.', hint: 'ha prefer {rule} pve1:3 pve2:2' },
  'ha-unknown-node': {
    says: 'La regla {rule} nombra {node}, y el clúster no tiene ese nodo. Tiene: {nodes}.',
    hint: 'ha prefer {rule} {nodes}',
  },
  'ha-no-guests': {
    says: 'La regla {rule} quedaría sin máquinas, y desde Proxmox VE 9 una regla tiene que tener una.',
    hint: 'ha add GUEST prefer:{rule}',
  },
  'ha-not-managed': {
    says: '{sid} no está bajo alta disponibilidad, y una regla solo puede nombrar máquinas que lo estén.',
    hint: 'ha add {guest}',
  },
  'ha-needs-two': { says: 'La regla {rule} necesita al menos dos máquinas.', hint: 'help ha together' },
  'ha-two-preferences': {
    says: '{sid} ya prefiere los nodos de {other}; una máquina puede tener una sola preferencia.',
    hint: 'ha set {guest} prefer:{rule}   # deja {other}',
  },
  'ha-together-and-apart': {
    says: '{sids} tienen que estar juntas por la regla {other} y separadas por la regla {rule}: no se pueden cumplir ambas.',
    hint: 'ha unrule {other}',
  },
  'ha-apart-too-many': {
    says: 'La regla {rule} pide {count} máquinas en otros tantos nodos, y el clúster tiene {nodes}.',
    hint: 'ha rules',
  },
  'ha-apart-no-room': {
    says: 'La regla {rule} no se puede cumplir: con sus preferencias estrictas no hay un nodo propio para {sids}.',
    hint: 'ha rules',
  },
  'ha-several-priorities': {
    says: '{sids} prefieren nodos en varios rangos (regla {other}), y Proxmox no mantiene juntas ni separadas a máquinas así.',
    hint: 'ha rules   # da un solo rango a los nodos de {other}, o deja una de las dos reglas',
  },
  'ha-no-common-node': {
    says: 'La regla {rule} mantiene juntas máquinas cuyas preferencias ({preferences}) no tienen ningún nodo en común.',
    hint: 'ha rules',
  },
  'ha-error-first': {
    says: '{name} está en estado de error; HA no acepta otra cosa hasta que se la desactive una vez.',
    hint: 'ha set {guest} state:disabled   # luego: ha set {guest} state:started',
  },
  'ha-changed-meanwhile': {
    says: 'Alguien cambió {what} después de que esto se decidió, así que no se tocó.',
    hint: 'ha status',
  },
  'changed-at-once': {
    says: 'Alguien cambió la misma configuración en ese mismo momento, así que no se escribió nada.',
    hint: 'Mírala y escríbelo otra vez.',
  },
  'ha-groups-not-migrated': {
    says: 'El clúster todavía tiene grupos de HA de antes de Proxmox VE 9 y no los convirtió en reglas; lo hace cuando todos los nodos corren 9.',
    hint: 'host list   # todos los nodos tienen que estar en línea y actualizados',
  },
  'ha-template': {
    says: '{name} es una plantilla, y una plantilla no puede correr: HA la acepta y termina en error.',
    hint: 'vm clone {guest} name:NAME   # pon el clon bajo HA',
  },
  'ha-local-disk': {
    says: '{key} de {name} está en {storage}, que es local de su nodo: HA no puede encenderla en otro, salvo que esté replicada.',
    hint: 'qm disk move {guest} {key} STORAGE   # a un almacenamiento compartido; o agrégala igual: ha add {guest} anyway:true',
  },
  'ha-cdrom': {
    says: 'La unidad de CD-ROM {key} de {name} tiene algo de {storage}, al que no llegan todos los nodos: ahí no arrancaría.',
    hint: 'vm cdrom {guest} eject drive:{key}',
  },
  'ha-storage': {
    says: '{key} de {name} está en {storage}, al que {nodes} no llega: ahí no arrancaría.',
    hint: 'pvesm set {storage} --nodes NODES   # o agrégala igual: ha add {guest} anyway:true',
  },
  'ha-host-file': {
    says: '{key} de {name} es {storage}, un archivo o dispositivo solo de su nodo: en otro no arrancaría.',
    hint: 'ha add {guest} anyway:true   # si todos los nodos lo tienen',
  },
  'ha-passthrough': {
    says: '{name} usa un dispositivo de su nodo ({key}): no puede mudarse ni arrancar en otro.',
    hint: 'qm set {guest} --delete {key}   # o usa un dispositivo mapeado, que también tengan otros nodos',
  },
  'ha-bad-nodes': {
    says: '«{given}» no es una lista de nodos por rango.',
    hint: 'ha prefer {rule} pve1:3 pve2:2 pve3:1   # se toma el más alto que esté en línea',
  },
  'ha-bad-name': {
    says: '«{given}» no puede ser el nombre de una regla: primero una letra, luego letras, dígitos, - y _, dos por lo menos.',
    hint: 'ha rules',
  },
  'ha-name-taken': { says: '{rule} es el nombre de una regla de otro tipo.', hint: 'ha rules' },
  'ha-is-disarmed': { says: 'HA está desarmada: no muda nada hasta que alguien la arme.', hint: 'ha arm' },
  'ha-still-queued': {
    says: 'El gestor de HA todavía no tomó {name}, así que no oiría el pedido.',
    hint: 'why {guest}',
  },
  'ha-is-ignored': { says: 'A HA se le dijo que ignore {name}.', hint: 'ha set {guest} state:started' },
  'ha-already-there': { says: '{name} ya está en {node}.', hint: 'vm show {guest}' },
  'ha-in-maintenance': { says: '{node} está en mantenimiento y no recibe máquinas.', hint: 'ha status' },
  'ha-is-busy': { says: 'HA está ocupada con {name}: {state}.', hint: 'why {guest}' },
  'ha-not-allowed': {
    says: 'La regla {rule} es estricta y deja fuera a {node}: {sid} no puede correr ahí.',
    hint: 'ha rules',
  },
  'ha-is-blocked': {
    says: '{sid} está en {node}, y la regla {rule} la mantiene separada de {name} o de una que va con ella. Proxmox tomaría el pedido y lo descartaría sin decir nada.',
    hint: 'ha migrate {sid} NODE   # primero',
  },
  'ha-nothing-to-change': { says: '{what} ya está así.', hint: 'ha status' },
  'ha-no-rule': { says: 'No hay ninguna regla ni preferencia llamada {rule}.', hint: 'ha rules' },
  'ha-since-nine': {
    says: 'Mantener máquinas juntas o separadas llegó con Proxmox VE 9; este clúster tiene {version}.',
    hint: 'ha prefer NAME pve1:2 pve2:1 guests:100,101   # la misma preferencia es lo más parecido',
  },
}
