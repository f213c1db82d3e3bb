import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { isOurs, isSo, privilegesOf, standing } from '../src/core/granting.ts'
import { defineWorker } from '../src/core/worker.ts'

/** Puts entries into the access control list or takes them out, and reads back what holds on the path afterwards. */
export default defineWorker({
  payload: z.object({
    type: z.enum(['user', 'group', 'token']),
    who: z.string(),
    path: z.string(),
    roles: z.array(z.string()).min(1),
    propagate: z.boolean(),
    remove: z.boolean(),
    /** Whoever ordered it has said that it is about Quorum itself. */
    ours: z.boolean(),
  }),
  needs: [{ path: '/', privileges: ['Permissions.Modify', 'Sys.Audit'], token: 'access' }],
  locks: () => ['access'],
  text: {
    en: {
      title: 'Rights of {who} on {path}',
      steps: { look: 'See whose rights they are', change: 'Tell Proxmox', check: 'Read the list back' },
      done: '{who} has on {path}: {roles}',
      words: {
        nothing: 'nothing',
        from: '{role} (from {from})',
        privileges: 'Privileges',
      },
    },
    es: {
      title: 'Permisos de {who} en {path}',
      steps: { look: 'Ver de quién son', change: 'Decírselo a Proxmox', check: 'Leer la lista de vuelta' },
      done: '{who} tiene en {path}: {roles}',
      words: {
        nothing: 'nada',
        from: '{role} (viene de {from})',
        privileges: 'Privilegios',
      },
    },
  },
  titled: ({ who, path }) => ({ who, path }),
  async run({ payload, job, access, step, change, say }) {
    const { type, who, path, roles, propagate, remove } = payload
    const client = access.get(job.cluster)
    if (!client) throw new Refused('no-access-token', { cluster: job.cluster })
    await step('look', async () => {
      const own = access.own(job.cluster)
      const ours = isOurs(payload, own, await client.accessGroups())
      // All tokens are known here for certain; where it was ordered, only those that had been told of.
      const line = `access ${remove ? 'revoke' : 'grant'} ${who} path:${path} role:${roles[0]}`
      if (ours && !payload.ours) throw new Refused('access-ours', { who, own: own.join(', '), line })
    })
    await change('change', {
      call: 'PUT /access/acl',
      id: `${path} ${who}`,
      isSo: async () => isSo(await client.accessList(), payload),
      act: () =>
        client.updateAccess({
          path,
          [`${type}s`]: who,
          roles: roles.join(','),
          ...(remove ? { delete: true } : { propagate }),
        }),
    })
    return step('check', async () => {
      const [acl, groups, all] = await Promise.all([client.accessList(), client.accessGroups(), client.accessRoles()])
      if (!isSo(acl, payload)) throw new Refused('not-there-after', { what: `${who} ${path}: ${roles.join(', ')}` })
      const held = standing({ acl, groups }, payload, path)
      const privileges = [...privilegesOf(held, all)].sort().join(', ')
      const told = held.map(({ role, from }) => (from === path ? role : say('from', { role, from }))).join(', ')
      return {
        values: { who, path, roles: told || say('nothing') },
        fields: privileges === '' ? [] : [{ name: say('privileges'), value: privileges }],
      }
    })
  },
})
