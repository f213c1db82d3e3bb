import { z } from 'zod'
import { arg } from '../../../src/core/args.ts'
import { defineCommand, run } from '../../../src/core/command.ts'
import { Refused } from '../../../src/core/errors.ts'
import { reads } from '../../../src/core/needs.ts'
import realmAdd from '../../../workers/realm-add.ts'

/** Adds an Active Directory or LDAP server as a realm. Nobody may do anything by this alone. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  approval: 'access',
  needs: [reads.nodes, { path: '/access', privileges: ['Sys.Audit'] }],
  args: z.object({
    realm: arg.text(),
    type: arg.choice(['ad', 'ldap']),
    server: arg.text(),
    server2: arg.text().optional(),
    domain: arg.text().optional(),
    base: arg.text().optional(),
    attribute: arg.text().optional(),
    bind: arg.text().optional(),
    mode: arg.choice(['ldaps', 'ldap+starttls', 'ldap']).default('ldaps'),
    port: arg.integer({ min: 1, max: 65_535 }).optional(),
    verify: arg.boolean().default(true),
    filter: arg.text().optional(),
    default: arg.boolean().optional(),
    comment: arg.text().optional(),
  }),
  positionals: ['realm'],
  wants: ({ type }) =>
    type === 'ad'
      ? { must: ['domain'], never: ['attribute'] }
      : type === 'ldap'
        ? { must: ['base', 'attribute'], never: ['domain'] }
        : { must: [], never: [] },
  text: {
    en: {
      summary: 'Add an Active Directory or LDAP server that accounts are checked in',
      args: {
        realm: 'Its name here: ana@NAME',
        type: 'Active Directory (ad) or LDAP (ldap)',
        server: 'Address of the server',
        server2: 'Asked when the first one is silent',
        domain: 'Of Active Directory: school.example',
        base: 'Where to look: dc=school,dc=example',
        attribute: 'Of LDAP: what a name is in, such as uid',
        bind: 'The account that looks; its password is asked for past the chat',
        mode: 'How: ldaps, ldap+starttls, or ldap, which anybody on the way can read',
        port: 'Unless it is the usual one',
        verify: "Verify the server's certificate",
        filter: 'An LDAP filter: only these accounts',
        default: 'Chosen at login unless somebody chooses another',
        comment: 'What people see at login',
      },
      words: {
        title: 'Add realm {realm} ({type}, {server})',
        secret: 'asked for past the chat, by a link or `quorum secret set`',
        password: 'Password',
        open: 'With mode:ldap every password crosses the network readable.',
        unverified: 'Unverified, anybody on the way can pretend to be the server and read the passwords.',
        anonymous: 'Without bind: the server must let anybody look; most do not.',
        rightless: 'Those who log in may do nothing until somebody gives them a role: access grant.',
        untried: 'This Proxmox VE cannot try the connection before it writes it down.',
        noToken: 'No worker has told lately that it holds a token for managing access (tokens.access).',
        kind: 'Kind',
        clickAdd: 'Datacenter → Permissions → Realms → Add → {kind}',
        clickFill: 'Fill in: {fields}; then Add',
      },
      refusals: {
        'realm-taken': { says: 'There is a realm {realm} already ({type}).', hint: 'access realm list' },
        'realm-name': {
          says: '"{given}" is no name for a realm: it begins with a letter, has letters, digits, . _ - and at most 32 characters; pam and pve are Proxmox\'s own.',
          hint: 'access realm add school …',
        },
      },
    },
    es: {
      summary: 'Añadir un servidor Active Directory o LDAP en el que se verifican cuentas',
      args: {
        realm: 'Su nombre aquí: ana@NOMBRE',
        type: 'Active Directory (ad) o LDAP (ldap)',
        server: 'Dirección del servidor',
        server2: 'Al que se pregunta cuando el primero calla',
        domain: 'De Active Directory: colegio.example',
        base: 'Dónde mirar: dc=colegio,dc=example',
        attribute: 'De LDAP: dónde está el nombre, por ejemplo uid',
        bind: 'La cuenta que mira; su contraseña se pide fuera del chat',
        mode: 'Cómo: ldaps, ldap+starttls, o ldap, que cualquiera en el camino puede leer',
        port: 'Si no es el de siempre',
        verify: 'Verificar el certificado del servidor',
        filter: 'Un filtro LDAP: solo esas cuentas',
        default: 'El que se usa al iniciar sesión si nadie elige otro',
        comment: 'Lo que la gente ve al iniciar sesión',
      },
      words: {
        title: 'Añadir el dominio {realm} ({type}, {server})',
        secret: 'se pide fuera del chat, con un enlace o `quorum secret set`',
        password: 'Contraseña',
        open: 'Con mode:ldap todas las contraseñas cruzan la red legibles.',
        unverified:
          'Sin verificar, cualquiera en el camino puede hacerse pasar por el servidor y leer las contraseñas.',
        anonymous: 'Sin bind: el servidor tiene que dejar mirar a cualquiera; la mayoría no lo hace.',
        rightless: 'Quienes entren no pueden hacer nada hasta que alguien les dé un rol: access grant.',
        untried: 'Este Proxmox VE no puede probar la conexión antes de anotarla.',
        noToken: 'Ningún worker ha informado últimamente que tiene un token para administrar accesos (tokens.access).',
        kind: 'Clase',
        clickAdd: 'Datacenter → Permissions → Realms → Add → {kind}',
        clickFill: 'Completa: {fields}; después Add',
      },
      refusals: {
        'realm-taken': { says: 'Ya hay un dominio {realm} ({type}).', hint: 'access realm list' },
        'realm-name': {
          says: '«{given}» no es un nombre para un dominio: empieza con una letra, tiene letras, dígitos, . _ - y a lo más 32 caracteres; pam y pve son de Proxmox.',
          hint: 'access realm add colegio …',
        },
      },
    },
  },
  examples: [
    {
      say: 'access realm add school type:ad server:dc1.lab.test domain:lab.test bind:cn=reader,dc=lab,dc=test',
      plans: 'realm-add',
    },
    {
      say: 'access realm add staff type:ldap server:10.0.0.5 base:dc=example,dc=org attribute:uid mode:ldap',
      plans: 'realm-add',
    },
    { say: 'access realm add pve type:ad server:dc1.lab.test domain:lab.test', refuses: 'realm-name' },
    { say: 'access realm add school type:ldap server:10.0.0.5', asks: true },
  ],
  async plan({ args, proxmox, cluster, say, house, signal }) {
    const { realm, type, server } = args
    if (!/^[a-z][\w.-]{1,31}$/i.test(realm) || ['pam', 'pve'].includes(realm)) {
      throw new Refused('realm-name', { given: realm })
    }
    const [realms, own, { nodes }, version] = await Promise.all([
      proxmox.accessRealms({ signal }),
      house.ownTokens(cluster),
      proxmox.resources({ signal }),
      proxmox.version({ signal }),
    ])
    const taken = realms.find((one) => one.realm === realm)
    if (taken) throw new Refused('realm-taken', { realm, type: taken.type })
    const params = given({
      server1: server,
      server2: args.server2,
      domain: args.domain,
      base_dn: args.base,
      user_attr: args.attribute,
      bind_dn: args.bind,
      mode: args.mode,
      port: args.port,
      verify: args.mode === 'ldap' ? undefined : args.verify,
      filter: args.filter,
      default: args.default,
      comment: args.comment,
    })
    const tries = version.major >= 8
    const node = nodes.find(({ status }) => status === 'online')!.name
    const fields = Object.entries(params).map(([name, value]) => ({ name, value: String(value) }))
    const shell = fields.map(({ name, value }) => `--${name} '${value === 'true' ? 1 : value === 'false' ? 0 : value}'`)
    return run(realmAdd.job({ realm, type, params, node, tries }), {
      title: say('title', { realm, type, server }),
      node,
      shows: [...fields, ...(args.bind === undefined ? [] : [{ name: say('password'), value: say('secret') }])],
      warnings: [
        ...(args.mode === 'ldap' ? [say('open')] : args.verify ? [] : [say('unverified')]),
        ...(args.bind === undefined ? [say('anonymous')] : []),
        say('rightless'),
        ...(tries ? [] : [say('untried')]),
        ...(own.access === undefined ? [say('noToken')] : []),
      ],
      explain: {
        shell: [
          `pveum realm add ${realm} --type ${type} ${shell.join(' ')}${args.bind === undefined ? '' : ' --password …'}`,
        ],
        clicks: [
          say('clickAdd', { kind: type === 'ad' ? 'Active Directory Server' : 'LDAP Server' }),
          say('clickFill', { fields: fields.map(({ name, value }) => `${name} ${value}`).join(', ') }),
        ],
      },
      state: null,
    })
  },
})

const given = <T>(all: Record<string, T | undefined>): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter((entry): entry is [string, T] => entry[1] !== undefined))
