import type { Same } from '../core/language.ts'
import type { reasonsEn } from './ha-why-en.ts'

export const reasonsEs: Same<typeof reasonsEn> = {
  'no-guest': 'No hay {sid} en este clúster.',
  'no-quorum':
    'El nodo {node}, que respondió, no tiene quórum: lo que dice está congelado, y nada arranca, se muda ni cambia hasta que vuelva la mayoría. Mira: quorum',
  'not-under-ha':
    'No está bajo alta disponibilidad: nadie la muda ni la vuelve a encender si falla su nodo. Para cambiarlo: ha add {vmid}',
  'let-go': 'Se la sacó de la alta disponibilidad, y el gestor la está soltando.',
  ignored:
    'A HA se le dijo que la ignore (state ignored): ni la enciende ni la muda. Para cambiarlo: ha set {vmid} state:started',
  disarmed: 'HA está desarmada ({mode}): nada arranca, se muda ni se recupera hasta que alguien la arme: ha arm',
  disarming: 'HA se está desarmando ({mode}): no se empieza nada nuevo.',
  template:
    'Es una plantilla, y una plantilla no puede correr; HA la acepta y termina en error. Sácala: ha remove {vmid}',
  'no-master':
    'Todavía no trabaja ningún gestor de HA. Empieza al minuto de que la primera máquina queda bajo HA, en un clúster con quórum.',
  'master-silent':
    'El gestor de HA en {node} lleva {seconds} s callado. A los dos minutos otro nodo toma su lugar; hasta entonces no se decide nada.',
  queued:
    'Está en la cola: el gestor de HA todavía no la tomó, lo que tarda hasta unos diez segundos mientras trabaja.',
  error:
    'Está en estado de error, en el que HA no hace nada con ella, ni siquiera si falla su nodo. Por qué llegó ahí HA no lo dice: un apagado que falló, o un arranque que terminó de modo desconocido. Primero: ha set {vmid} state:disabled, luego: ha set {vmid} state:started',
  'gave-up':
    'Su arranque falló en {nodes}; reintentos por nodo: {restart}, otros nodos que se prueban: {relocate}. Era todo lo permitido, así que está en error. Arregla la causa, luego: ha set {vmid} state:disabled, y: ha set {vmid} state:started',
  'wrong-node':
    'HA la busca en {node}, y está en {real}: se la mudó a sus espaldas, y ahora está en error. Primero: ha set {vmid} state:disabled, luego: ha set {vmid} state:started',
  clearing: 'Está saliendo del estado de error en {node}; cuando diga «disabled»: ha set {vmid} state:started',
  frozen:
    'Está congelada: los servicios de HA de {node} se están reiniciando, o el nodo se está reiniciando. Sigue cuando el nodo diga que está activo otra vez.',
  'frozen-node-gone':
    'Está congelada, y {node} está apagado: el nodo bajó para reiniciarse y no ha vuelto. Una máquina congelada nunca la toma otro; espera hasta que vuelva {node}. Mira: ha policy',
  fencing:
    'Su nodo {node} se está aislando: mientras no sea seguro que está muerto (su candado vence a los dos minutos), encenderla en otro lado podría dañar sus discos.',
  'waits-for-fence':
    'Su nodo {node} ya no se ve. HA espera un minuto, y luego a que venza el candado del nodo (dos minutos), antes de encenderla en otro.',
  'no-target-strict':
    'Hay que recuperarla de {node}, y la regla {rule} solo permite {nodes} (estricta), y ninguno puede tomarla ahora.',
  'no-target-apart':
    'Hay que recuperarla de {node}, y en cada nodo que queda corre una de la que tiene que estar separada por la regla {rule}: {sids}.',
  'no-target':
    'Hay que recuperarla de {node}, y el gestor no encuentra nodo para ella. Qué regla lo impide no se sabe.',
  moving: 'Va en camino de {node} a {target} ({how}). Si tarda, mira la tarea de migración: status',
  'failed-starts': 'Su arranque falló en {nodes}; ahora se prueba en {node}.',
  'waits-for-lock':
    'El nodo {node} espera su candado de HA, hasta dos minutos después de volver. Una máquina que se mudó allí en caliente corre todo ese tiempo.',
  starting: 'El gestor ordenó su arranque en {node}; el nodo lo hace en unos diez segundos.',
  stopping:
    'Se está apagando en {node}; una máquina que no responde tarda todo su plazo, un minuto si no se fijó otro.',
  'off-as-wanted': 'Está apagada porque así se pidió (state stopped). Para encenderla: ha set {vmid} state:started',
  'off-disabled': 'Está apagada porque está desactivada. Para encenderla: ha set {vmid} state:started',
  'off-unmanaged': 'Está apagada, y nada la enciende por su cuenta. Para encenderla: vm start {vmid}',
  'away-for-maintenance':
    'Está en {node} porque {home} está o estuvo en mantenimiento, o se apagó con la política migrate; vuelve a casa cuando {home} esté en línea otra vez.',
  'leaving-maintenance': 'Su nodo {node} está en mantenimiento, y tiene que mudarse.',
  'failback-off':
    'La regla {rule} la preferiría en {home}, que está en línea, pero para ella está apagado el volver a casa (failback). Para mudarla: ha migrate {vmid} {home}',
  'favourite-away': 'Está en {node} porque {away}, que la regla {rule} pone primero, no puede tomarla ahora.',
  follows: 'Está en {node} porque la regla {rule} la mantiene junto con {sids}.',
  'kept-apart': 'La regla {rule} la mantiene separada de {sids}, que está en {away}.',
  'on-favourite': 'Está en {node} porque la regla {rule} pone ese nodo primero.',
  'disk-lost':
    '{key} está en el almacenamiento {storage}, al que {node} no llega ahora: lo que corre dentro queda inmóvil hasta que llegue. HA no lo ve, y no muda nada. Mira: storage show {storage}',
  'runs-as-wanted': 'Corre en {node}, como se pidió. Ninguna regla dice dónde debería estar.',
  'runs-unmanaged': 'Corre en {node}, donde alguien la encendió o la puso.',
  'rule-ignored': 'La regla {rule} la nombra, y Proxmox ignora esa regla porque no se puede cumplir:',
  'storage-lacking': '{key} está en el almacenamiento {storage}, al que {nodes} no llega: ahí no puede correr.',
  locked: 'Está bloqueada ({lock}): otra tarea trabaja en ella, o una se interrumpió.',
  'last-failure': 'Su última tarea que falló fue {type} en {node}. {cause}',
}
