import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { isOurs } from '../src/core/granting.ts'
import type { ProxmoxAccessPort } from '../src/core/ports.ts'
import {
  changesIn,
  changesName,
  directoryTrouble,
  findDirectory,
  type RealmChanges,
  syncParams,
} from '../src/core/realms.ts'
import { defineWorker } from '../src/core/worker.ts'

/** More names than this are counted only. */
const named = 20

/**
 * Looks through a realm's directory and says who would come and go; with `seen` it does it as well, when a second look
 * shows what was seen. Proxmox itself tells nobody beforehand.
 */
export default defineWorker({
  payload: z.object({
    realm: z.string(),
    node: z.string(),
    /** Who is gone from the directory goes, and with them what they may do. */
    remove: z.boolean(),
    /** Those who come may log in at once. */
    enable: z.boolean(),
    /** The name of the changes that people agreed to; absent: only look. */
    seen: z.string().optional(),
  }),
  needs: [
    { path: '/access/realm/{realm}', privileges: ['Realm.AllocateUser', 'Sys.Audit'], token: 'access' },
    { path: '/access/groups', privileges: ['Sys.Audit', 'User.Modify'], token: 'access' },
  ],
  locks: () => ['access'],
  text: {
    en: {
      title: 'Realm {realm}',
      steps: {
        test: 'Look through the directory',
        judge: 'See who would come and go',
        sync: 'Take it over',
        check: 'Read the users back',
      },
      done: 'Realm {realm}: {what}',
      words: {
        would: '{adds} would come, {removes} would go, {keeps} stay. Nothing was changed',
        did: '{adds} came, {removes} went, {keeps} stay',
        comes: 'Come',
        goes: 'Go',
        rights: 'Lose their rights',
        overwritten: 'Overwritten',
        nobody: 'nobody',
        more: '{names} and {count} more',
        next: 'To do this',
        line: 'access realm sync {realm}{more} seen:{name}',
        disabled: 'They may not log in until somebody enables them.',
      },
      refusals: {
        'realm-changed': {
          says: 'The directory of {realm} now asks for something else than what was seen ({adds} would come, {removes} would go), so nothing was done.',
          hint: 'access realm test {realm}{more}',
        },
        'realm-ours': {
          says: 'The account {who} of Quorum itself would go with it, so nothing was done.',
          hint: 'access realm test {realm}',
        },
        'realm-not-there': {
          says: 'The task ended well, but {who} is not among the users.',
          hint: 'access list',
        },
      },
    },
    es: {
      title: 'Dominio {realm}',
      steps: {
        test: 'Mirar el directorio',
        judge: 'Ver quién entraría y quién saldría',
        sync: 'Aplicarlo',
        check: 'Leer los usuarios de vuelta',
      },
      done: 'Dominio {realm}: {what}',
      words: {
        would: 'entrarían {adds}, saldrían {removes}, quedan {keeps}. No se cambió nada',
        did: 'entraron {adds}, salieron {removes}, quedan {keeps}',
        comes: 'Entran',
        goes: 'Salen',
        rights: 'Pierden sus permisos',
        overwritten: 'Se reescriben',
        nobody: 'nadie',
        more: '{names} y {count} más',
        next: 'Para hacerlo',
        line: 'access realm sync {realm}{more} seen:{name}',
        disabled: 'No pueden iniciar sesión hasta que alguien los habilite.',
      },
      refusals: {
        'realm-changed': {
          says: 'El directorio de {realm} ahora pide otra cosa que lo que se vio (entrarían {adds}, saldrían {removes}), así que no se hizo nada.',
          hint: 'access realm test {realm}{more}',
        },
        'realm-ours': {
          says: 'Con eso saldría la cuenta {who} del propio Quorum, así que no se hizo nada.',
          hint: 'access realm test {realm}',
        },
        'realm-not-there': {
          says: 'La tarea terminó bien, pero {who} no está entre los usuarios.',
          hint: 'access list',
        },
      },
    },
  },
  titled: ({ realm }) => ({ realm }),
  async run({ payload, job, proxmox, access, step, effect, follow, say }) {
    const { realm, node, remove, enable, seen } = payload
    const client = access.get(job.cluster)
    if (!client) throw new Refused('no-access-token', { cluster: job.cluster })
    const more = `${remove ? ' remove:true' : ''}${enable ? '' : ' enable:false'}`
    const version = await client.version()
    /** The task of one look, whose lines are all read: the card keeps only the last ones. */
    const looked = async (name: 'test' | 'sync', dry: boolean) => {
      const upid = await effect(name, {
        node,
        types: [dry ? 'auth-realm-sync-test' : 'auth-realm-sync'],
        by: client,
        mine: async ({ id }) => id === realm,
        act: () => client.syncRealm(realm, syncParams({ remove, enable, dry }, version), { prefer: node }),
      })
      await follow(name, upid).catch(async (error: unknown) => {
        throw await troubleOf(error, { client, realm })
      })
      return upid
    }
    const told = (changes: RealmChanges) => [
      { name: say('comes'), value: listed(changes.adds) },
      { name: say('goes'), value: listed(changes.removes) },
      ...(changes.purges.length > 0 ? [{ name: say('rights'), value: listed(changes.purges) }] : []),
      ...(changes.overwrites.length > 0 ? [{ name: say('overwritten'), value: listed(changes.overwrites) }] : []),
    ]
    const listed = (names: readonly string[]) => {
      const first = names.slice(0, named).join(', ')
      if (names.length > named) return say('more', { names: first, count: names.length - named })
      return first || say('nobody')
    }
    const counts = ({ adds, removes, keeps }: RealmChanges) => ({ adds: adds.length, removes: removes.length, keeps })
    const test = await looked('test', true)
    const changes = await step('judge', async () => {
      const { lines } = await proxmox.taskLog(test, { start: 0, limit: 0 })
      const found = changesIn(lines)
      const lost = [...found.removes, ...found.purges].map((one) => one.split(' ')[1]!)
      const groups = await client.accessGroups()
      const ours = lost.find((who) =>
        isOurs({ type: who.includes('@') ? 'user' : 'group', who }, access.own(job.cluster), groups),
      )
      if (ours !== undefined) throw new Refused('realm-ours', { realm, who: ours })
      if (seen !== undefined && seen !== changesName(found)) {
        throw new Refused('realm-changed', { realm, more, ...counts(found) })
      }
      return found
    })
    const disabled = enable || changes.adds.length === 0 ? [] : [say('disabled')]
    if (seen === undefined) {
      const line = say('line', { realm, more, name: changesName(changes) })
      return {
        values: { realm, what: say('would', counts(changes)) },
        fields: [...told(changes), { name: say('next'), value: line }],
        warnings: disabled,
      }
    }
    await looked('sync', false)
    return step('check', async () => {
      const [users, groups] = await Promise.all([client.users(), client.accessGroups()])
      const there = new Set([...users.map(({ id }) => `user ${id}`), ...groups.map(({ group }) => `group ${group}`)])
      const missing = changes.adds.find((one) => !there.has(one))
      if (missing !== undefined) throw new Refused('realm-not-there', { who: missing })
      return { values: { realm, what: say('did', counts(changes)) }, fields: told(changes), warnings: disabled }
    })
  },
})

type Client = NonNullable<ReturnType<ProxmoxAccessPort['get']>>

/** A look that failed because of the directory says so, and which one. */
async function troubleOf(error: unknown, { client, realm }: { client: Client; realm: string }): Promise<unknown> {
  if (!(error instanceof Refused) || error.raw === undefined) return error
  const code = directoryTrouble(error.raw)
  if (code === undefined) return error
  findDirectory(realm, await client.accessRealms())
  const { server1 = '', bind_dn = '-' } = await client.realmOptions(realm)
  return new Refused(code, { realm, server: server1, bind: bind_dn }, { raw: error.raw })
}
