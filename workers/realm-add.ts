import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { directoryTrouble } from '../src/core/realms.ts'
import { defineWorker } from '../src/core/worker.ts'

/** Adds a realm. The password of the account that looks comes from its person past the chat, and goes to Proxmox alone. */
export default defineWorker({
  payload: z.object({
    realm: z.string(),
    type: z.enum(['ad', 'ldap']),
    params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    node: z.string(),
    /** Proxmox tries the connection before it writes anything down; since 8.0. */
    tries: z.boolean(),
  }),
  needs: [{ path: '/access/realm', privileges: ['Realm.Allocate', 'Sys.Audit'], token: 'access' }],
  locks: () => ['access'],
  text: {
    en: {
      title: 'Add realm {realm}',
      steps: { look: 'See what is there', secret: 'Wait for the password', add: 'Tell Proxmox', check: 'Read it back' },
      done: 'Realm {realm} is there; who would come: access realm test {realm}',
      words: {
        password: 'the password of {bind} in the directory {server}',
        left: 'realm {realm}: in domains.cfg',
        untried: 'The connection was not tried: this Proxmox VE cannot.',
      },
      refusals: {
        'realm-other': {
          says: 'Meanwhile somebody has added another realm called {realm} ({type}). Nothing was done.',
          hint: 'access realm list',
        },
      },
    },
    es: {
      title: 'Añadir el dominio {realm}',
      steps: {
        look: 'Ver qué hay',
        secret: 'Esperar la contraseña',
        add: 'Decírselo a Proxmox',
        check: 'Leerlo de vuelta',
      },
      done: 'El dominio {realm} está listo; quién entraría: access realm test {realm}',
      words: {
        password: 'la contraseña de {bind} en el directorio {server}',
        left: 'dominio {realm}: está en domains.cfg',
        untried: 'La conexión no se probó: este Proxmox VE no puede.',
      },
      refusals: {
        'realm-other': {
          says: 'Mientras tanto alguien añadió otro dominio llamado {realm} ({type}). No se hizo nada.',
          hint: 'access realm list',
        },
      },
    },
  },
  titled: ({ realm }) => ({ realm }),
  async run({ payload, job, access, step, secret, change, say }) {
    const { realm, type, params, node, tries } = payload
    const client = access.get(job.cluster)
    if (!client) throw new Refused('no-access-token', { cluster: job.cluster })
    const [server, bind] = [String(params.server1 ?? ''), params.bind_dn]
    const isThere = async () => {
      const found = (await client.accessRealms()).find((one) => one.realm === realm)
      if (!found) return false
      const options = await client.realmOptions(realm)
      if (found.type === type && options.server1 === server) return true
      throw new Refused('realm-other', { realm, type: found.type })
    }
    // Asked anew after a crash, so that nobody is asked for a password that is not needed any more.
    const already = await isThere()
    await step('look', async () => already)
    const kept =
      already || bind === undefined
        ? undefined
        : await secret('secret', { purpose: 'realm-password', label: say('password', { bind: String(bind), server }) })
    await change('add', {
      call: 'POST /access/domains',
      id: realm,
      isSo: isThere,
      act: async () => {
        const all = { realm, type, ...params, ...(kept ? { password: kept.reveal() } : {}) }
        try {
          await client.createRealm({ ...all, ...(tries ? { 'check-connection': true } : {}) }, { prefer: node })
        } catch (error) {
          const line = error instanceof Error ? error.message : String(error)
          const code = tries ? directoryTrouble(line) : undefined
          if (code === undefined) throw error
          throw new Refused(code, { realm, server, bind: String(bind ?? '-') }, { raw: line, cause: error })
        }
      },
    })
    return step('check', async () => {
      if (!(await isThere())) throw new Refused('not-there-after', { what: realm })
      return { values: { realm }, ...(tries ? {} : { warnings: [say('untried')] }) }
    })
  },
  async leftovers({ payload, proxmox, say }) {
    const isThere = (await proxmox.accessRealms()).some(({ realm }) => realm === payload.realm)
    return isThere ? [say('left', { realm: payload.realm })] : []
  },
})
