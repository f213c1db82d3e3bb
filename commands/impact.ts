import { z } from 'zod'
import { arg, formatSize } from '../src/core/args.ts'
import { type Answer, answer, defineCommand } from '../src/core/command.ts'
import { Refused } from '../src/core/errors.ts'
import { tellFate } from '../src/core/fate.ts'
import { findSection } from '../src/core/find-section.ts'
import { near } from '../src/core/near.ts'
import { reads } from '../src/core/needs.ts'
import type { Words } from '../src/core/ports.ts'
import { readSite, type SiteLook } from '../src/core/site.ts'
import { goneWith } from '../src/core/storage-cut.ts'
import { formatDuration } from '../src/core/time.ts'
import { drillKinds, type Fate, type Impact, impactOf } from '../src/ha/impact.ts'
import { siteOf } from '../src/ha/site.ts'
import { storageFates, storageImpact } from '../src/ha/storage-cut.ts'

/** What would happen if a node or a storage went: a prediction, which `drill run` proves. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({
    what: arg.node(),
    kind: arg.choice(drillKinds).prefault('power'),
    storage: arg.storage().optional(),
  }),
  positionals: ['what'],
  text: {
    en: {
      summary: 'What would happen if this node or storage went',
      args: {
        what: 'A node or a storage',
        kind: 'How the node goes',
        storage: 'Which storage it loses (kind:storage)',
      },
      words: {
        title: 'If {node} went ({kind})',
        votes: 'Votes',
        votesAre: '{before} → {after} of {expected}; {needed} are needed',
        after: 'Afterwards',
        marginSome: 'quorum holds, and {margin} more can go',
        marginNone: 'quorum holds; one more loss and the cluster is read-only',
        marginUnknown: 'quorum holds; how many more can go only corosync knows',
        lost: 'NO quorum: nothing is recovered, and the nodes that are left are read-only',
        master: 'HA manager',
        masterHere: 'works on {node}; another node takes over first',
        masterElsewhere: 'works on {node} and stays',
        masterNone: 'none works',
        down: 'Expected to be down',
        downFor: '{from} to {to}, and its boot',
        memory: 'Memory on {node}',
        memoryIs: '{before} → {after} of {max}',
        over: '; more than it has',
        lives: 'Lives here',
        livesBot: 'the bot itself: it would go too',
        livesRedis: 'its Redis: the bot would fall silent',
        guest: 'Machine',
        becomes: 'Then',
        why: 'Why',
        nobody: 'No machine is on it.',
        unread: 'Could not be read: {what}',
        prediction: 'A prediction. To prove it: drill plan {node}',
        storageTitle: 'If storage {storage} went',
        storageSeen: 'Seen by',
        storageNobody: 'No machine has a disk or an ISO on it.',
        storageWith: 'Goes with it',
        storageCut: 'If {storage} went for {node} alone',
        storageHolds:
          'Nobody else loses anything: HA neither fences nor moves. A prediction. To prove it: drill plan {node} kind:storage storage:{storage}',
        under: 'under HA',
        storageHint: 'HA does not help: no other node reaches a storage that is gone, and the starts fail there.',
      },
      refusals: {
        'no-such-subject': {
          says: '{cluster} has no node and no storage named {given}: {names}.',
          hint: 'impact {first}',
        },
        'which-storage': {
          says: 'Which storage would {node} lose? {names}.',
          hint: 'impact {node} kind:storage storage:{first}',
        },
      },
    },
    es: {
      summary: 'Qué pasaría si se fuera este nodo o almacenamiento',
      args: {
        what: 'Un nodo o un almacenamiento',
        kind: 'Cómo se va el nodo',
        storage: 'Qué almacenamiento pierde (kind:storage)',
      },
      words: {
        title: 'Si se fuera {node} ({kind})',
        votes: 'Votos',
        votesAre: '{before} → {after} de {expected}; hacen falta {needed}',
        after: 'Después',
        marginSome: 'el cuórum se mantiene, y pueden irse {margin} más',
        marginNone: 'el cuórum se mantiene; una pérdida más y el clúster queda de solo lectura',
        marginUnknown: 'el cuórum se mantiene; cuántos más pueden irse solo lo sabe corosync',
        lost: 'SIN cuórum: nada se recupera, y los nodos que quedan son de solo lectura',
        master: 'Gestor de HA',
        masterHere: 'trabaja en {node}; antes toma el relevo otro nodo',
        masterElsewhere: 'trabaja en {node} y se queda',
        masterNone: 'no trabaja ninguno',
        down: 'Caída esperada',
        downFor: 'de {from} a {to}, más su arranque',
        memory: 'Memoria en {node}',
        memoryIs: '{before} → {after} de {max}',
        over: '; más de la que tiene',
        lives: 'Vive aquí',
        livesBot: 'el propio bot: se iría también',
        livesRedis: 'su Redis: el bot se quedaría mudo',
        guest: 'Máquina',
        becomes: 'Luego',
        why: 'Por qué',
        nobody: 'No hay ninguna máquina en él.',
        unread: 'No se pudo leer: {what}',
        prediction: 'Es una predicción. Para probarla: drill plan {node}',
        storageTitle: 'Si se fuera el almacenamiento {storage}',
        storageSeen: 'Lo ven',
        storageNobody: 'Ninguna máquina tiene un disco o una ISO en él.',
        storageWith: 'Se va con él',
        storageCut: 'Si solo {node} perdiera {storage}',
        storageHolds:
          'Nadie más pierde nada: HA ni aísla ni muda. Es una predicción. Para probarla: drill plan {node} kind:storage storage:{storage}',
        under: 'bajo HA',
        storageHint: 'HA no ayuda: ningún otro nodo alcanza un almacenamiento que no está, y ahí fallan los arranques.',
      },
      refusals: {
        'no-such-subject': {
          says: '{cluster} no tiene ni nodo ni almacenamiento {given}: {names}.',
          hint: 'impact {first}',
        },
        'which-storage': {
          says: '¿Qué almacenamiento perdería {node}? {names}.',
          hint: 'impact {node} kind:storage storage:{first}',
        },
      },
    },
  },
  examples: [
    { say: 'impact pve1', answers: true },
    { say: 'impact pve1 kind:migrate', answers: true },
    { say: 'impact Storage', answers: true },
    { say: 'impact pve1 kind:storage storage:Storage', answers: true },
    { say: 'impact pve1 kind:storage', refuses: 'which-storage' },
    { say: 'impact pve9', refuses: 'no-such-subject' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const [{ nodes }, storages] = await Promise.all([proxmox.resources({ signal }), proxmox.storageConfig({ signal })])
    const given = args.what.trim().toLowerCase()
    const node = nodes.find(({ name }) => name.toLowerCase() === given)?.name
    const storage = storages.find((one) => one.storage.toLowerCase() === given)?.storage
    if (node !== undefined) {
      const look = await readSite(proxmox, (guest) => guest.node === node, signal)
      if (args.kind === 'storage') {
        const lost = storageLost(args.storage, storages, { node, cluster })
        const impact = storageImpact(siteOf(look), { storage: lost, gone: goneWith(storages, lost), node })
        return answer(tellCut(impact, look, { say, words }))
      }
      const impact = impactOf(siteOf(look), { node, kind: args.kind })
      const ip = look.status.members.find(({ name }) => name === node)?.ip
      const lives = ip === undefined ? [] : await house.doctor.livesAt([ip])
      return answer(tellNode(impact, look, lives, { say, words }))
    }
    if (storage !== undefined) {
      const look = await readSite(proxmox, () => true, signal)
      return answer(tellStorage(storage, look, { say, words }))
    }
    const names = [...nodes.map(({ name }) => name), ...storages.map((one) => one.storage)]
    const close = near(args.what, names)
    const listed = (close.length > 0 ? close : names).join(', ')
    throw new Refused('no-such-subject', {
      cluster,
      given: args.what,
      names: listed,
      first: close[0] ?? names[0] ?? '',
    })
  },
})

interface Telling {
  say: (key: never, values?: Record<string, string | number>) => string
  words: Words
}

function tellNode(impact: Impact, look: SiteLook, lives: readonly ('bot' | 'redis')[], t: Telling): Answer {
  const say = t.say as (key: string, values?: Record<string, string | number>) => string
  const { node, kind, before, after, memory, fates, down, isMaster } = impact
  const master = look.ha.manager?.master
  const unread = [...(look.votes ? [] : ['corosync.conf']), ...(look.options ? [] : ['datacenter.cfg'])]
  const isBad = !after.quorate || lives.length > 0 || fates.some(({ outcome }) => outcome === 'down')
  const isMoved = fates.some(({ outcome }) => outcome === 'moves')
  return {
    title: say('title', { node, kind: t.words.ha.impact.kinds[kind] }),
    state: isBad
      ? 'failed'
      : after.margin === 0 || fates.some((fate) => fate.outcome === 'waits' || fate.tight)
        ? 'warning'
        : 'ok',
    ...(fates.length === 0 ? { text: say('nobody') } : { text: say('prediction', { node }) }),
    fields: [
      {
        name: say('votes'),
        value: say('votesAre', { ...after, before: before.present, after: after.present } as never),
      },
      { name: say('after'), value: marginText(after, say) },
      {
        name: say('master'),
        value:
          master === undefined ? say('masterNone') : say(isMaster ? 'masterHere' : 'masterElsewhere', { node: master }),
      },
      ...(isMoved
        ? [
            {
              name: say('down'),
              value: say('downFor', { from: formatDuration(down.from), to: formatDuration(down.to) }),
            },
          ]
        : []),
      ...lives.map((what) => ({ name: say('lives'), value: say(what === 'bot' ? 'livesBot' : 'livesRedis') })),
      ...memory.map((one) => ({
        name: say('memory', { node: one.node }),
        value:
          say('memoryIs', { before: formatSize(one.before), after: formatSize(one.after), max: formatSize(one.max) }) +
          (one.after > one.max ? say('over') : ''),
      })),
      ...unread.map((what) => ({ name: t.words.say.warning, value: say('unread', { what }) })),
    ],
    ...(fates.length === 0
      ? {}
      : {
          table: {
            columns: [say('guest'), say('becomes'), say('why')],
            rows: fates.map((fate) => [`${fate.name} (${fate.sid})`, ...tellFate(fate, t.words)]),
          },
        }),
  }
}

function marginText(
  { quorate, margin }: Impact['after'],
  say: (key: string, values?: Record<string, number>) => string,
) {
  if (!quorate) return say('lost')
  if (margin === undefined) return say('marginUnknown')
  return margin === 0 ? say('marginNone') : say('marginSome', { margin })
}

/** @throws Refused `which-storage`, `no-storage`, `no-storage-near` */
function storageLost(
  given: string | undefined,
  storages: SiteLook['storages'],
  { node, cluster }: { node: string; cluster: string },
): string {
  if (given !== undefined) return findSection(storages, given, cluster).storage
  const shared = storages.filter((one) => one.shared && (one.nodes?.includes(node) ?? true))
  const names = shared.map(({ storage }) => storage)
  throw new Refused('which-storage', { node, names: names.join(', '), first: names[0] ?? '' })
}

/** One node alone loses it: nothing but what it runs is touched. */
function tellCut(impact: Impact, look: SiteLook, t: Telling): Answer {
  const { node, storage = '', fates } = impact
  const say = t.say as (key: string, values?: Record<string, string | number>) => string
  return {
    ...tellFates(fates, look, t),
    title: say('storageCut', { node, storage }),
    text: say('storageHolds', { node, storage }),
    fields: goesWith(storage, look, t),
  }
}

function tellStorage(storage: string, look: SiteLook, t: Telling): Answer {
  const { ha, storages } = look
  const say = t.say as (key: string, values?: Record<string, string | number>) => string
  const all = storageFates(siteOf(look), { storage, gone: goneWith(storages, storage) })
  const fates = all.filter(({ code }) => code !== 'elsewhere' && code !== 'is-off')
  const config = storages.find((one) => one.storage === storage)
  const nodes = config?.nodes ?? ha.nodes.map(({ name }) => name)
  return {
    ...tellFates(fates, look, t),
    title: say('storageTitle', { storage }),
    text: fates.length > 0 ? say('storageHint') : say('storageNobody'),
    fields: [{ name: say('storageSeen'), value: nodes.join(', ') }, ...goesWith(storage, look, t)],
  }
}

function goesWith(storage: string, { storages }: SiteLook, t: Telling): { name: string; value: string }[] {
  const say = t.say as (key: string) => string
  const others = goneWith(storages, storage).slice(1)
  return others.length === 0 ? [] : [{ name: say('storageWith'), value: others.join(', ') }]
}

function tellFates(fates: readonly Fate[], { ha }: SiteLook, t: Telling): Pick<Answer, 'state' | 'table'> {
  const say = t.say as (key: string) => string
  const under = new Set(ha.managed.map(({ sid }) => sid))
  const rows = fates.map((fate) => [
    `${fate.name} (${fate.sid})`,
    fate.from,
    under.has(fate.sid) ? say('under') : '',
    ...tellFate(fate, t.words),
  ])
  const columns = [say('guest'), t.words.labels.node, 'HA', say('becomes'), say('why')]
  const isHit = fates.some(
    ({ outcome, code }) => outcome === 'stalls' || outcome === 'unknown' || /^(?:iso|off)-/.test(code),
  )
  return { state: isHit ? 'warning' : 'ok', ...(rows.length > 0 ? { table: { columns, rows } } : {}) }
}
