import { z } from 'zod'
import { arg } from '../src/core/args.ts'
import { answer, defineCommand } from '../src/core/command.ts'
import { findGuest } from '../src/core/find.ts'
import { drivesOf } from '../src/core/guest.ts'
import { findManaged, type HaSite, readHa, sidOf, unreachable } from '../src/core/ha.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxPort } from '../src/core/ports.ts'
import { affinitiesOf } from '../src/ha/affinity.ts'
import { type ReasonCode, whyOf } from '../src/ha/why.ts'

/** How it stands, for the colour of the card; what is not named here is as wanted. */
const bad: readonly ReasonCode[] = [
  'no-quorum',
  'error',
  'gave-up',
  'wrong-node',
  'frozen-node-gone',
  'no-target-strict',
]
const calm: readonly ReasonCode[] = [
  'runs-as-wanted',
  'on-favourite',
  'follows',
  'off-as-wanted',
  'off-disabled',
  'runs-unmanaged',
  'off-unmanaged',
  'not-under-ha',
]

/** Why a guest is where it is and as it is, in words; "not known" rather than a guess. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({ guest: arg.guest() }),
  positionals: ['guest'],
  text: {
    en: {
      summary: 'Why a machine did not move or start, or runs where it runs',
      args: { guest: 'Name or number' },
      words: {
        title: 'Why {name} ({vmid}) is as it is',
        because: 'Because',
        also: 'Also',
        now: 'Now',
        nowAt: '{state} on {node}',
        unknown:
          'Not known: neither the HA manager nor the last tasks say anything about it. See: vm show {vmid}, and the log of the node: journalctl -u pve-ha-lrm -u pve-ha-crm',
        'no-guest': 'There is no {sid} in this cluster.',
        'no-quorum':
          'Node {node}, which answered, has no quorum: what it says is frozen, and nothing is started, moved or changed until a majority is back. See: quorum',
        'not-under-ha':
          'It is not under high availability: nobody moves it or starts it again when its node fails. To change that: ha add {vmid}',
        'let-go': 'It was taken out of high availability, and the manager is letting go of it.',
        ignored:
          'HA was told to ignore it (state ignored): it neither starts nor moves it. To change that: ha set {vmid} state:started',
        disarmed: 'HA is disarmed ({mode}): nothing is started, moved or recovered until somebody arms it: ha arm',
        disarming: 'HA is being disarmed ({mode}): nothing new is begun.',
        template:
          'It is a template, and a template cannot run; HA takes it and ends in the error state. Take it out: ha remove {vmid}',
        'no-master':
          'No HA manager works yet. It begins within a minute of the first machine that is put under HA, on a cluster with quorum.',
        'master-silent':
          'The HA manager on {node} has been silent for {seconds} s. Another node takes over after two minutes; until then nothing is decided.',
        queued:
          'It is in the queue: the HA manager has not taken it yet, which takes up to some ten seconds while it works.',
        error:
          'It is in the error state, in which HA does nothing with it, not even when its node fails. Why it got there HA does not say: a stop that failed, or a start that ended in an unknown way. First: ha set {vmid} state:disabled, then: ha set {vmid} state:started',
        'gave-up':
          'Its start failed on {nodes}; restarts per node: {restart}, other nodes tried: {relocate}. That was all that was allowed, so it is in the error state. Mend the cause, then: ha set {vmid} state:disabled, and: ha set {vmid} state:started',
        'wrong-node':
          'HA looks for it on {node}, and it is on {real}: it was moved behind its back, and now it is in the error state. First: ha set {vmid} state:disabled, then: ha set {vmid} state:started',
        clearing: 'It is leaving the error state on {node}; once it says "disabled": ha set {vmid} state:started',
        frozen:
          'It is frozen: the HA services of {node} are restarting, or the node is being rebooted. It goes on when the node says that it is active again.',
        'frozen-node-gone':
          'It is frozen, and {node} is off: the node went down for a reboot and has not come back. A frozen machine is never taken over; it waits until {node} is back. See: ha policy',
        fencing:
          'Its node {node} is being fenced: until it is certain that the node is dead (its lock runs out after two minutes) starting it elsewhere could corrupt its disks.',
        'waits-for-fence':
          'Its node {node} is not seen any more. HA waits one minute, then until the lock of the node has run out (two minutes), before it starts it elsewhere.',
        'no-target-strict':
          'It must be recovered from {node}, and rule {rule} allows only {nodes} (strict), none of which can take it now.',
        'no-target-apart':
          'It must be recovered from {node}, and on every node that is left runs one that it must be apart from by rule {rule}: {sids}.',
        'no-target':
          'It must be recovered from {node}, and the manager finds no node for it. Which rule stands in the way is not known.',
        moving: 'It is on its way from {node} to {target} ({how}). If that lasts, look at the migration task: status',
        'failed-starts': 'Its start failed on {nodes}; now it is tried on {node}.',
        'waits-for-lock':
          'Node {node} waits for its HA lock, up to two minutes after it came back. A machine that moved there live runs all along.',
        starting: 'The manager has ordered its start on {node}; the node does it within about ten seconds.',
        stopping:
          'It is being stopped on {node}; a machine that does not answer takes its whole time-out, a minute unless set otherwise.',
        'off-as-wanted': 'It is off because that is wanted (state stopped). To start it: ha set {vmid} state:started',
        'off-disabled': 'It is off because it is disabled. To start it: ha set {vmid} state:started',
        'off-unmanaged': 'It is off, and nothing starts it by itself. To start it: vm start {vmid}',
        'away-for-maintenance':
          'It is on {node} because {home} is or was in maintenance, or went down under the policy migrate; it goes home when {home} is online again.',
        'leaving-maintenance': 'Its node {node} is in maintenance, and it is to move away.',
        'failback-off':
          'Rule {rule} would rather have it on {home}, which is online, but going home is switched off for it (failback). To move it: ha migrate {vmid} {home}',
        'favourite-away': 'It is on {node} because {away}, which rule {rule} puts first, cannot take it now.',
        follows: 'It is on {node} because rule {rule} keeps it together with {sids}.',
        'kept-apart': 'Rule {rule} keeps it apart from {sids}, which is on {away}.',
        'on-favourite': 'It is on {node} because rule {rule} puts that node first.',
        'runs-as-wanted': 'It runs on {node}, as wanted. No rule says where it should be.',
        'runs-unmanaged': 'It runs on {node}, where somebody started it or put it.',
        'rule-ignored': 'Rule {rule} names it, and Proxmox ignores that rule since it cannot hold:',
        'storage-lacking': '{key} is on storage {storage}, which {nodes} cannot reach: it cannot run there.',
        locked: 'It is locked ({lock}): another task works on it, or one was interrupted.',
        'last-failure': 'Its last task that failed was {type} on {node}. {cause}',
      },
    },
    es: {
      summary: 'Por qué una máquina no se mudó o no arrancó, o corre donde corre',
      args: { guest: 'Nombre o número' },
      words: {
        title: 'Por qué {name} ({vmid}) está como está',
        because: 'Porque',
        also: 'Además',
        now: 'Ahora',
        nowAt: '{state} en {node}',
        unknown:
          'No se sabe: ni el gestor de HA ni las últimas tareas dicen nada de ella. Mira: vm show {vmid}, y el registro del nodo: journalctl -u pve-ha-lrm -u pve-ha-crm',
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
        'off-as-wanted':
          'Está apagada porque así se pidió (state stopped). Para encenderla: ha set {vmid} state:started',
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
        'runs-as-wanted': 'Corre en {node}, como se pidió. Ninguna regla dice dónde debería estar.',
        'runs-unmanaged': 'Corre en {node}, donde alguien la encendió o la puso.',
        'rule-ignored': 'La regla {rule} la nombra, y Proxmox ignora esa regla porque no se puede cumplir:',
        'storage-lacking': '{key} está en el almacenamiento {storage}, al que {nodes} no llega: ahí no puede correr.',
        locked: 'Está bloqueada ({lock}): otra tarea trabaja en ella, o una se interrumpió.',
        'last-failure': 'Su última tarea que falló fue {type} en {node}. {cause}',
      },
    },
  },
  examples: [
    { say: 'why web1', answers: true },
    { say: 'why vm:100', answers: true },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const site = await readHa(proxmox, signal)
    const { sid, vmid, name, guest, entry } = subjectOf(site, args.guest, cluster)
    const [config, storages, lastFailed] = await Promise.all([
      guest ? proxmox.guestConfig(guest, { signal }).catch(() => undefined) : undefined,
      proxmox.storageConfig({ signal }).catch(() => []),
      lastFailure(proxmox, vmid, signal),
    ])
    const nodes = site.nodes.map((node) => ({ name: node.name, online: node.status === 'online' }))
    const names = nodes.map((node) => node.name)
    const lacking = storages.length === 0 ? [] : unreachable(config ? drivesOf(config) : [], storages, names)
    const cause = lastFailed && house.explainLine(lastFailed.raw)?.code
    const resource = site.managed.find((one) => one.sid === sid)
    const reasons = whyOf({
      sid,
      ...(guest ? { guest: { ...guest, ...(config?.lock ? { lock: config.lock } : {}) } } : {}),
      entries: site.entries,
      ...(site.manager ? { manager: site.manager } : {}),
      ...(resource ? { resource } : {}),
      affinities: affinitiesOf({ ...site, resources: site.managed }),
      ignored: (site.rules ?? []).flatMap(({ rule, resources: sids, errors }) =>
        Object.keys(errors).length === 0 ? [] : [{ rule, sids, raw: Object.values(errors).flat().join('; ') }],
      ),
      nodes,
      unreachable: lacking.map(({ local, lacking: without, ...one }) => ({
        ...one,
        lacking: local ? names.filter((node) => node !== guest?.node) : without,
      })),
      ...(lastFailed
        ? { lastFailed: { ...lastFailed, ...(cause ? { cause: saysOf(words.errors, cause) } : {}) } }
        : {}),
    })
    const [first, ...others] = reasons.map(({ code, values, raw }) => ({
      code,
      says: `${say(code, { ...values, vmid }).trim()}${raw ? `\n${raw}` : ''}`,
    }))
    const state =
      first === undefined || calm.includes(first.code) ? 'info' : bad.includes(first.code) ? 'failed' : 'warning'
    const now = entry?.state
      ? ((words.ha.states as Record<string, string>)[entry.state]?.replace('{guest}', String(vmid)) ?? entry.state)
      : words.guestStates[guest?.status ?? 'unknown']
    return answer({
      title: say('title', { name, vmid }),
      state,
      text: first?.says ?? say('unknown', { vmid }),
      fields: [
        {
          name: say('now'),
          value: say('nowAt', { state: now, node: entry?.node || guest?.node || words.say.unknown }),
        },
        ...others.map(({ says }) => ({ name: say('also'), value: says })),
      ],
    })
  },
})

/** The sentence of an error whose places are known here, or none. */
const saysOf = (errors: object, code: string): string => {
  const says = (errors as Record<string, { says: string }>)[code]?.says ?? ''
  return /\{\w+\}/.test(says) ? '' : says
}

function subjectOf(site: HaSite, given: string, cluster: string) {
  const isManaged = site.managed.some(({ sid }) => given.trim() === sid || sid.endsWith(`:${given.trim()}`))
  const found = isManaged ? findManaged(site, given, cluster) : undefined
  const guest = found ? found.guest : findGuest(site.guests, given, cluster)
  const sid = found?.sid ?? sidOf(guest!)
  const entry = site.entries.find((one) => one.type === 'service' && one.sid === sid)
  const vmid = found?.vmid ?? guest!.vmid
  return { sid, vmid, name: guest?.name || String(vmid), guest, entry }
}

/** The guest's newest task, where that one failed: a failure before a task that went well explains nothing any more. */
async function lastFailure(proxmox: ProxmoxPort, vmid: number, signal: AbortSignal) {
  const tasks = await proxmox.clusterTasks({ signal }).catch(() => [])
  const own = tasks.filter(
    ({ id, endtime, type }) => id === String(vmid) && endtime !== undefined && !type.startsWith('ha'),
  )
  const newest = own.sort((a, b) => b.endtime! - a.endtime!)[0]
  if (!newest?.exit || newest.exit === 'OK' || newest.exit.startsWith('WARNINGS')) return undefined
  return { type: newest.type, node: newest.node, raw: newest.exit }
}
