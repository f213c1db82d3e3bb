import type { Same } from '../core/language.ts'
import type { installEn } from './install-en.ts'

export const installEs: Same<typeof installEn> = {
  served: '{host} tomó su archivo de respuestas: su instalación empieza y borra el disco {disk}',
  servedText: 'Pedido desde {from}, con el token, el número de serie DMI y la MAC correctos. No se da otra vez.',
  refused: 'Se negó un archivo de respuestas para {host} ({count})',
  misfit: 'El archivo de respuestas de {host} no le sirve a su instalador',
  why: {
    'wrong-machine': 'El token era correcto y el equipo otro: número de serie DMI {serial}, MAC {macs}, desde {from}.',
    'served-before': 'Ya se entregó en esta ventana. Pedido desde {from}.',
    'installer-too-old':
      'Su medio es de Proxmox VE {release}, cuyo instalador no acepta el hash de una contraseña: usa uno de {oldest} o más nuevo. La ventana sigue abierta.',
    'answer-misfit':
      'El instalador de su medio no aceptaría el archivo: {place}. No se entregó nada; la ventana sigue abierta.',
    'no-window': 'No hay ninguna ventana abierta para {host}. Pedido desde {from}.',
  },
  again: 'Para dejarlo preguntar otra vez: `host prepare {host} open:30m`',
  done: '{host} está instalado',
  doneText:
    'Responde en {address} después de su primer arranque. La ventana está cerrada. Sigue: `host check`, después `cluster join {host}`',
}
