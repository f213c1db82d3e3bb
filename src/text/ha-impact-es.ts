import type { Same } from '../core/language.ts'
import type { impactEn } from './ha-impact-en.ts'

export const impactEs: Same<typeof impactEn> = {
  outcomes: {
    moves: 'arranca en {to}',
    migrates: 'se muda en caliente a {to}',
    relocates: 'se reinicia en {to}',
    waits: 'apagada hasta que vuelva {node}',
    down: 'se queda apagada',
    off: 'está apagada',
    stalls: 'queda inmóvil en {node}, y todo el tiempo figura en marcha',
    stays: 'sigue corriendo',
    unknown: 'no se sabe',
  },
  fates: {
    recovered: 'HA la recupera en {to}, el nodo con menos máquinas bajo HA.',
    'recovered-preferred': 'HA la recupera en {to}, el siguiente en {rule} (rango {priority}).',
    'recovered-with': 'HA la recupera en {to}, junto con las que la regla {rule} mantiene unidas.',
    'after-failed-start': 'HA prueba primero {first}, donde no puede arrancar, y luego {to}.',
    migrates: 'El nodo la muda en caliente antes de apagarse.',
    relocates: 'Un contenedor no se muda en caliente: se detiene y arranca en {to}.',
    'restarts-if-quick': 'Política failover: si {node} vuelve en 60 s arranca ahí; si no, HA la recupera en {to}.',
    frozen: 'Política {policy}: HA la congela, así que nada se muda, y arranca cuando vuelva {node}.',
    'not-ha': 'No está bajo HA: nadie la vuelve a arrancar. Para cambiarlo: ha add {guest}',
    'not-ha-boots': 'No está bajo HA: arranca cuando vuelva {node} (onboot). Para cambiarlo: ha add {guest}',
    ignored: 'HA tiene orden de ignorarla. Para cambiarlo: ha set {guest} state:started',
    'in-error': 'HA la tiene en estado de error y no hace nada con ella. Mira: why {guest}',
    disarmed: 'HA está desarmada: nada se recupera. Para cambiarlo: ha arm',
    'no-quorum': 'No queda mayoría: nada se recupera, y los nodos con máquinas bajo HA se reinician solos.',
    'not-taken': 'El gestor de HA todavía no la tomó. Mira: why {guest}',
    strict: 'La regla {rule} no permite ninguno de los nodos que quedan.',
    apart: 'La regla {rule} la separa de máquinas que están en cada nodo que queda.',
    'no-node': 'No queda ningún nodo que pueda tomarla.',
    'local-disk': 'Su {key} está en {storage}, que solo {node} tiene: HA prueba {to} y ahí falla el arranque.',
    storage: 'Su {key} está en {storage}, que {nodes} no alcanza: HA prueba {to} y ahí falla el arranque.',
    cdrom:
      'La ISO de {key} está en {storage}, que {nodes} no alcanza: HA prueba {to} y ahí falla el arranque. Para sacarla: vm cdrom {guest} eject',
    passthrough: 'Usa hardware de {node} ({key}): HA prueba {to} y sin él falla el arranque.',
    'is-off': 'Está apagada.',
    'disk-gone':
      'Su {keys} se va con {storage}: lo que corre dentro espera su disco. HA vigila nodos, no almacenamientos, así que nadie la mueve.',
    'iso-gone':
      'Solo la ISO de {keys} se va con {storage}: hasta que vuelva no puede arrancar ni mudarse. Para sacarla: vm cdrom {guest} eject',
    elsewhere: 'No tiene nada en {storage}.',
    'off-disk': 'Está apagada, y no podría arrancar: su {keys} se va con {storage}.',
    unread: 'No se pudo leer su configuración, así que nadie sabe qué tiene en {storage}.',
  },
  kinds: {
    shutdown: 'apagado ordenado',
    migrate: 'apagado con la política migrate',
    reboot: 'reinicio',
    power: 'corte de energía',
    network: 'corte de red',
    storage: 'corte de almacenamiento',
  },
  tight: '{to} apenas tiene memoria para ella',
  homeAgain: 'vuelve a {home} cuando regrese',
}
