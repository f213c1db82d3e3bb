import { z } from 'zod'
import { answer, defineCommand } from '../../../src/core/command.ts'

/** Where accounts are checked, and how each directory is reached. */
export default defineCommand({
  role: 'admin',
  risk: 'reads',
  needs: [{ path: '/access', privileges: ['Sys.Audit'] }],
  args: z.object({}),
  text: {
    en: {
      summary: 'The realms that accounts are checked in',
      args: {},
      words: {
        title: 'Realms: {count}',
        realm: 'Realm',
        type: 'Type',
        server: 'Server',
        way: 'Way',
        users: 'Users',
        comment: 'Comment',
        standard: '{realm} (default)',
        open: '{way}: passwords cross the network readable',
        unverified: '{way}, certificate not verified',
      },
    },
    es: {
      summary: 'Los dominios de autenticación en que se verifican las cuentas',
      args: {},
      words: {
        title: 'Dominios de autenticación: {count}',
        realm: 'Dominio',
        type: 'Tipo',
        server: 'Servidor',
        way: 'Vía',
        users: 'Usuarios',
        comment: 'Comentario',
        standard: '{realm} (por defecto)',
        open: '{way}: las contraseñas cruzan la red legibles',
        unverified: '{way}, sin verificar el certificado',
      },
    },
  },
  examples: [{ say: 'access realm list', answers: true }],
  async plan({ proxmox, say, signal }) {
    const [realms, users] = await Promise.all([proxmox.accessRealms({ signal }), proxmox.users({ signal })])
    const rows = await Promise.all(
      realms.map(async ({ realm, type, isDefault, comment }) => {
        const options = await proxmox.realmOptions(realm, { signal })
        const way = options.mode ?? (options.secure === '1' ? 'ldaps' : 'ldap')
        const ways = way === 'ldap' ? say('open', { way }) : options.verify === '1' ? way : say('unverified', { way })
        const count = users.filter(({ id }) => id.endsWith(`@${realm}`)).length
        const servers = [options.server1, options.server2].filter(Boolean).join(', ')
        return [
          isDefault ? say('standard', { realm }) : realm,
          type,
          servers || '–',
          type === 'ad' || type === 'ldap' ? ways : '–',
          String(count),
          comment ?? '',
        ]
      }),
    )
    const columns = [say('realm'), say('type'), say('server'), say('way'), say('users'), say('comment')]
    rows.sort(([a], [b]) => a!.localeCompare(b!))
    return answer({ title: say('title', { count: rows.length }), table: { columns, rows } })
  },
})
