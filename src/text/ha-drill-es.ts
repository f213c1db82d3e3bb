import type { Same } from '../core/language.ts'
import type { drillEn } from './ha-drill-en.ts'
import { drillTimesEs } from './ha-drill-times-es.ts'

export const drillEs: Same<typeof drillEn> = {
  proves: {
    shutdown:
      'Prueba que las máquinas bajo HA se detienen en orden, cambian de dueño y arrancan en otro nodo. No es una caída: una caída toma unos dos minutos.',
    migrate:
      'Prueba que un nodo se puede vaciar en caliente antes de apagarse: el único tipo que nadie tiene por qué notar. Nada dice de una caída.',
    reboot:
      'Prueba que las máquinas vuelven con su nodo. Con la política conditional nada cambia de nodo: esperan, congeladas.',
    power:
      'Prueba la recuperación de una caída. Toma unos dos minutos: 60 s hasta dar por perdido el nodo, 120 s hasta que su candado queda libre, y luego el arranque.',
    network:
      'Prueba que un nodo aislado se reinicia solo y que sus máquinas arrancan en otro, nunca dos veces. Toma unos dos minutos.',
    storage:
      'Muestra lo que HA NO hace: vigila nodos y procesos, no almacenamientos. Una máquina sin su disco queda inmóvil y sigue en started; nada se aísla, nada se muda. Cuánto lo notan sus usuarios solo lo mide una sonda de la propia máquina; sin ella la caída no se sabe. Nada prueba de un nodo que falla, ni de un servidor o arreglo que falla para todos los nodos.',
  },
  gates: {
    quorum: 'Hay cuórum, ahora y sin {node}. Si no: quorum',
    margin: 'Durante el simulacro podría irse un nodo más. Sin eso, otra falla deja el clúster de solo lectura.',
    armed: 'HA está armada. Si no: ha arm',
    lrm: 'El agente de HA de {node} trabaja. Si no, espera una ronda, o mira: ha status',
    'in-error': 'Ninguna máquina está en error. Si no: why MÁQUINA',
    busy: 'No corre ningún respaldo, replicación ni mudanza. Si no, espéralo: status',
    jobs: 'Ningún otro trabajo está en marcha aquí. Si no: job list',
    incidents: 'No hay incidentes abiertos. Si no: incident list',
    policy: 'La política de apagado es migrate, como pide este tipo. Si no: ha policy migrate',
    'moves-nothing':
      'Algo se mueve: HA lleva al menos una máquina a otro nodo. Si no, elige kind:shutdown, o expect:nothing si esa es la hipótesis.',
    'not-ha':
      'Cada máquina que corre en {node} y no está bajo HA se acepta por su nombre: también se apaga, y se arranca al final. accept:NOMBRE,NOMBRE',
    acpi: 'Lo que corre en {node} atiende un pedido de apagado. Lo que no, se mata al minuto.',
    drives:
      'Cada máquina encuentra sus discos Y sus CD-ROM en el nodo que la toma. Si no: vm cdrom MÁQUINA eject, o un almacenamiento compartido',
    memory: 'Los nodos que quedan tienen memoria suficiente.',
    lives: 'Ni el bot ni su Redis viven en {node}. Si no, llévalos a otra parte.',
    means:
      'El laboratorio o un dispositivo de energía puede hacerlo. Si no, configura: power: { {node}: { webhook: … } }',
    restore: '{node} se puede encender otra vez desde aquí. Si no, se le pide a una persona.',
    master: 'El gestor de HA trabaja en otro nodo. Aquí, antes toma el relevo otro, y tarda más.',
    lab: 'El laboratorio puede hacerlo: nada más corta redes y almacenamientos. Fuera de él: impact {node}, o impact ALMACENAMIENTO',
    shared:
      'El almacenamiento es compartido: un servidor o arreglo que un solo nodo puede perder. Si no, elige kind:power',
    reached: '{node} alcanza ahora el almacenamiento. Si no: storage list',
    used: 'Algo que corre en {node} tiene un disco en él. Si no, no se vería nada; mira: impact ALMACENAMIENTO',
    read: 'Se pudo leer la configuración de cada máquina de {node}. Si no: doctor',
    stalls: 'Cada máquina que quedaría inmóvil y no está bajo HA se acepta por su nombre: accept:NOMBRE,NOMBRE',
    'goes-with': 'Ningún otro almacenamiento se va con él.',
    seen: 'Otro nodo también lo alcanza, y puede decir si volvió.',
  },
  unmet: {
    quorum: 'No hay cuórum ahora, o no lo habría sin {node}. Mira: quorum',
    margin: 'Sin {node} no puede irse ningún otro nodo: una segunda falla dejaría el clúster de solo lectura.',
    armed: 'HA está desarmada. Primero: ha arm',
    lrm: 'El agente de HA de {node} no trabaja. Espera una ronda, o mira: ha status',
    'in-error': 'Hay máquinas en error. Primero: why MÁQUINA',
    busy: 'Corren respaldos, replicación o mudanzas. Espéralos: status',
    jobs: 'Otro trabajo está en marcha aquí. Mira: job list',
    incidents: 'Hay incidentes abiertos. Mira: incident list',
    policy: 'Este tipo necesita la política de apagado migrate. Primero: ha policy migrate',
    'moves-nothing':
      'Nada se mueve: HA no llevaría ninguna máquina a otro nodo. Elige kind:shutdown, o expect:nothing si esa es la hipótesis.',
    'not-ha': 'No está bajo HA: también se apaga, y se arranca al final. Acéptala por su nombre, accept:NOMBRE,NOMBRE',
    acpi: 'Quizá no atienda el pedido de apagado; entonces se mata al minuto.',
    drives:
      'El nodo que la toma no encuentra sus discos o su CD-ROM. Primero: vm cdrom MÁQUINA eject, o un almacenamiento compartido',
    memory: 'Los nodos que quedan quizá no tengan memoria para ella.',
    lives: 'El bot o su Redis viven en {node}. Primero llévalos a otra parte.',
    means: 'Aquí nada puede hacer esto con {node}. Configura: power: { {node}: { webhook: … } }',
    restore: 'Nada de aquí puede encender {node} otra vez: se le pide a una persona.',
    master: 'El gestor de HA trabaja en {node}: antes toma el relevo otro nodo, y tarda más.',
    lab: 'Solo el laboratorio puede cortar redes y almacenamientos: quorum lab. Qué pasaría aquí: impact {node}, o impact ALMACENAMIENTO',
    shared:
      'Este almacenamiento es un disco del propio nodo, o de cada nodo: no hay nada entre ellos que se pueda cortar, y si falla, falla {node}. Para probar eso: drill plan {node} kind:power',
    reached: '{node} no alcanza este almacenamiento, así que no puede perderlo. Mira: storage list',
    used: 'Nada de lo que corre en {node} tiene un disco en él, así que no se vería nada. Quién lo tiene: impact ALMACENAMIENTO',
    read: 'No se pudo leer qué tienen en él. Mira: doctor',
    stalls: 'No está bajo HA: también quedaría inmóvil. Acéptala por su nombre, accept:NOMBRE,NOMBRE',
    'goes-with': 'Son los mismos bytes, o están sobre él, y se van con él:',
    seen: 'Ningún otro nodo alcanza este almacenamiento: solo {node} puede decir si volvió.',
  },
  stops: {
    'another-node': 'se perdió otro nodo: {about}',
    'quorum-gone': 'se perdió el cuórum',
    'guest-error': 'en error: {about}',
    unpredicted: 'afectada sin estar prevista: {about}',
    'control-lost': 'se perdió el control por un rato: no se podía ver el clúster, o no se podía guardar nada',
    'not-gone': 'a {about} se le pidió irse, y no se fue',
    'back-early': '{about} volvió antes de que se viera todo',
    'not-allowed': 'se quitaron los permisos con que se ordenó',
    aborted: 'abortado por {about}',
    timeout: 'no todo ocurrió a tiempo',
  },
  verdicts: {
    'as-predicted': 'como se previó',
    elsewhere: 'en otro nodo',
    late: 'demasiado tarde',
    'not-back': 'no volvió',
    untouched: 'intacta',
    unknown: 'no se sabe',
    'in-place': 'no se movió; si quedó inmóvil no se sabe',
    'went-on': 'respondió todo el tiempo',
    hit: 'enmudeció sin estar previsto',
  },
  picture: {
    axis: 'segundos desde que empezó el simulacro',
    legend: {
      up: 'encendido',
      leaving: 'apagándose',
      down: 'caído',
      fenced: 'aislado',
      moving: 'mudándose',
      unknown: 'no se sabe',
    },
  },
  times: drillTimesEs,
  overdue: {
    none: 'Todo lo que está bajo HA se probó en los últimos {days} días',
    one: '1 grupo de HA no se probó en los últimos {days} días',
    many: '{count} grupos de HA no se probaron en los últimos {days} días',
    next: 'De lo que nunca se probó no se sabe si funciona. Para ver qué haría un simulacro: drill plan {node}. Para que se repita: drill schedule {node} cada trimestre primer martes 10:00',
    group: 'Grupo o regla',
    proven: 'Última prueba',
    never: 'nunca: {machines}',
    loose: 'en ningún grupo',
  },
  trend: {
    title: 'Simulacros: lo más que estuvo caída una máquina',
    axis: 'segundos',
    thesis: 'tesis: 10 s',
    real: 'clúster real: {seconds} s',
    alt: '{label}: {seconds} s',
    unseen: 'No se pudo leer el clúster, así que no se muestran sus grupos.',
  },
  results: { passed: 'aprobado', failed: 'fallido', stopped: 'detenido' },
  labels: {
    gate: 'Condición',
    foretold: 'Previsto',
    seen: 'Visto',
    verdict: 'Veredicto',
    down: 'Caída',
    machine: 'Máquina',
    drill: 'Simulacro',
    kind: 'Tipo',
    node: 'Nodo',
    when: 'Cuándo',
    longest: 'La más larga',
    nobody: 'ninguna',
    users: 'sus usuarios: {time}',
    unmeasured: 'no se sabe: ninguna sonda la midió',
    held: 'Se le quita por',
    probeSilent: 'su sonda no respondía ni antes, y no se cuenta',
    left: 'Lo que queda',
    comparison: 'Comparado',
    compared:
      '{here} aquí; unos {thesis} s a ojo en la tesis; {real} s en un clúster real de tres nodos, desde que su nodo se apagó hasta que la máquina corrió en otro.',
    whyGraceful:
      'Aquí no se aísla nada: el nodo entrega sus máquinas por sí mismo. Tras una caída toma unos dos minutos, porque el gestor espera 60 s antes de dar un nodo por perdido y su cerrojo vence recién a los 120 s.',
    whyCrash:
      'Una caída toma unos dos minutos: el gestor espera 60 s antes de dar el nodo por perdido, y no puede arrancar nada antes de que venza su cerrojo, 120 s después de su última señal de vida; solo entonces es seguro que allí ya no corre nada.',
    whyStorage:
      'HA hizo lo que hace: nada. Que se perdió un almacenamiento lo cuenta la vigilancia (incident list). Una mudanza en caliente espera el mismo disco: una máquina que no puede esperar se detiene y se arranca en un nodo que lo alcance.',
    phases: 'En qué se fue el tiempo',
    mtta: 'Tiempo hasta que alguien lo atendió (MTTA)',
    noIncident: 'no produjo ningún incidente',
    answered: '{incident} tras {after}',
    unanswered: '{incident}: nadie lo atendió',
  },
}
