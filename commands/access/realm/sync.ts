import { z } from 'zod'
import { arg } from '../../../src/core/args.ts'
import { defineCommand, run } from '../../../src/core/command.ts'
import { Refused } from '../../../src/core/errors.ts'
import { reads } from '../../../src/core/needs.ts'
import { findDirectory, syncParams } from '../../../src/core/realms.ts'
import realmSync from '../../../workers/realm-sync.ts'

/** Takes a directory's accounts over, as a look before has shown them: by the name of the changes that were seen. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  approval: 'access',
  needs: [reads.nodes, { path: '/access', privileges: ['Sys.Audit'] }],
  args: z.object({
    realm: arg.text(),
    seen: arg.text().optional(),
    remove: arg.boolean().default(false),
    enable: arg.boolean().default(true),
  }),
  positionals: ['realm'],
  text: {
    en: {
      summary: "Take a directory's accounts over, as `access realm test` has shown them",
      args: {
        realm: 'A realm of type ad or ldap',
        seen: 'The name of the changes, from `access realm test`',
        remove: 'Also who is gone from the directory, with their rights',
        enable: 'Those who come may log in at once',
      },
      words: {
        title: 'Take the accounts of realm {realm} over (changes {seen})',
        realm: 'Realm',
        seen: 'Changes',
        seenText: '{seen}, as `access realm test` has shown them; any others are not made',
        gone: 'Who is gone',
        goes: 'goes, with their rights',
        stays: 'stays',
        removes: 'Who is gone from the directory loses the account and every right here. That cannot be taken back.',
        rightless: 'Those who come may do nothing until somebody gives them or their group a role: access grant.',
        noToken: 'No worker has told lately that it holds a token for managing access (tokens.access).',
        click: 'Datacenter → Permissions → Realms: select {realm}, click "Sync", choose the same, then "Sync"',
      },
      refusals: {
        'realm-look-first': {
          says: 'Nobody has said which changes were seen: first look who would come and go.',
          hint: 'access realm test {realm}{more}',
        },
      },
    },
    es: {
      summary: 'Aplicar las cuentas de un directorio, como las mostró `access realm test`',
      args: {
        realm: 'Un dominio de tipo ad o ldap',
        seen: 'El nombre de los cambios, de `access realm test`',
        remove: 'También quien ya no está en el directorio, con sus permisos',
        enable: 'Quienes entran pueden iniciar sesión enseguida',
      },
      words: {
        title: 'Aplicar las cuentas del dominio {realm} (cambios {seen})',
        realm: 'Dominio',
        seen: 'Cambios',
        seenText: '{seen}, como los mostró `access realm test`; otros no se hacen',
        gone: 'Quien ya no está',
        goes: 'sale, con sus permisos',
        stays: 'se queda',
        removes:
          'Quien ya no está en el directorio pierde la cuenta y todos sus permisos aquí. Eso no se puede deshacer.',
        rightless:
          'Quienes entran no pueden hacer nada hasta que alguien les dé un rol, a ellos o a su grupo: access grant.',
        noToken: 'Ningún worker ha informado últimamente que tiene un token para administrar accesos (tokens.access).',
        click: 'Datacenter → Permissions → Realms: selecciona {realm}, clic en «Sync», elige lo mismo, después «Sync»',
      },
      refusals: {
        'realm-look-first': {
          says: 'Nadie ha dicho qué cambios vio: primero mira quién entraría y quién saldría.',
          hint: 'access realm test {realm}{more}',
        },
      },
    },
  },
  examples: [
    { say: 'access realm sync campus', refuses: 'realm-look-first' },
    { say: 'access realm sync campus seen:1k2j3h4g5f', plans: 'realm-sync' },
  ],
  async plan({ args, proxmox, cluster, say, house, signal }) {
    const [realms, own, { nodes }, version] = await Promise.all([
      proxmox.accessRealms({ signal }),
      house.ownTokens(cluster),
      proxmox.resources({ signal }),
      proxmox.version({ signal }),
    ])
    const { realm } = findDirectory(args.realm, realms)
    const { remove, enable, seen } = args
    const more = `${remove ? ' remove:true' : ''}${enable ? '' : ' enable:false'}`
    if (seen === undefined) throw new Refused('realm-look-first', { realm, more })
    const node = nodes.find(({ status }) => status === 'online')!.name
    const options = Object.entries(syncParams({ remove, enable, dry: false }, version))
    return run(realmSync.job({ realm, node, remove, enable, seen }), {
      title: say('title', { realm, seen }),
      node,
      shows: [
        { name: say('realm'), value: realm },
        { name: say('seen'), value: say('seenText', { seen }) },
        { name: say('gone'), value: say(remove ? 'goes' : 'stays') },
      ],
      warnings: [
        ...(remove ? [say('removes')] : []),
        say('rightless'),
        ...(own.access === undefined ? [say('noToken')] : []),
      ],
      explain: {
        shell: [
          `pveum realm sync ${realm} ${options.map(([name, value]) => `--${name} '${Number(value) || value}'`).join(' ')}`,
        ],
        clicks: [say('click', { realm })],
      },
      state: null,
    })
  },
})
