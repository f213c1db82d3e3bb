import { z } from 'zod'
import { arg } from '../../../src/core/args.ts'
import { defineCommand, run } from '../../../src/core/command.ts'
import { reads } from '../../../src/core/needs.ts'
import { findDirectory, syncParams } from '../../../src/core/realms.ts'
import realmSync from '../../../workers/realm-sync.ts'

/** Looks through a realm's directory and says who would come and go; nothing is changed by it. */
export default defineCommand({
  role: 'admin',
  risk: 'changes',
  needs: [reads.nodes, { path: '/access', privileges: ['Sys.Audit'] }],
  args: z.object({
    realm: arg.text(),
    remove: arg.boolean().default(false),
    enable: arg.boolean().default(true),
  }),
  positionals: ['realm'],
  text: {
    en: {
      summary: 'Look through a directory: who would come and who would go',
      args: {
        realm: 'A realm of type ad or ldap',
        remove: 'Also who is gone from the directory, with their rights',
        enable: 'Those who come may log in at once',
      },
      words: {
        title: 'Look through realm {realm}, without changing anything',
        realm: 'Realm',
        gone: 'Who is gone',
        goes: 'would go, with their rights',
        stays: 'would stay',
        click: 'Datacenter → Permissions → Realms: select {realm}, click "Sync", choose the same, then "Preview"',
      },
    },
    es: {
      summary: 'Mirar un directorio: quién entraría y quién saldría',
      args: {
        realm: 'Un dominio de tipo ad o ldap',
        remove: 'También quien ya no está en el directorio, con sus permisos',
        enable: 'Quienes entran pueden iniciar sesión enseguida',
      },
      words: {
        title: 'Mirar el dominio {realm}, sin cambiar nada',
        realm: 'Dominio',
        gone: 'Quien ya no está',
        goes: 'saldría, con sus permisos',
        stays: 'se quedaría',
        click:
          'Datacenter → Permissions → Realms: selecciona {realm}, clic en «Sync», elige lo mismo, después «Preview»',
      },
    },
  },
  examples: [
    { say: 'access realm test campus', plans: 'realm-sync' },
    { say: 'access realm test pam', refuses: 'realm-kind' },
    { say: 'access realm test nowhere', refuses: 'unknown-realm' },
  ],
  async plan({ args, proxmox, say, signal }) {
    const [realms, { nodes }, version] = await Promise.all([
      proxmox.accessRealms({ signal }),
      proxmox.resources({ signal }),
      proxmox.version({ signal }),
    ])
    const { realm } = findDirectory(args.realm, realms)
    const { remove, enable } = args
    const node = nodes.find(({ status }) => status === 'online')!.name
    const options = Object.entries(syncParams({ remove, enable, dry: true }, version))
    return run(realmSync.job({ realm, node, remove, enable }), {
      title: say('title', { realm }),
      node,
      shows: [
        { name: say('realm'), value: realm },
        { name: say('gone'), value: say(remove ? 'goes' : 'stays') },
      ],
      explain: {
        shell: [
          `pveum realm sync ${realm} ${options.map(([name, value]) => `--${name} '${Number(value) || value}'`).join(' ')}`,
        ],
        clicks: [say('click', { realm })],
      },
    })
  },
})
