import type { Catalogue } from './catalogue.ts'
import { everyPrivilege, needsOf, privilegesByPath } from './needs.ts'

/** The newest that Quorum knows, and the last that knows fewer privileges. */
const newest = 9
const oldest = 7

/** The `pveum` lines that make the user, the role and the two tokens, with what the commands need and nothing more. */
export function privilegeScript(catalogue: Catalogue, major = newest): string[] {
  return [
    `pveum role add Quorum --privs "${everyPrivilege(catalogue, 'act', major).join(',')}"`,
    'pveum user add quorum@pve --comment "Quorum"',
    "pveum acl modify / --users 'quorum@pve' --roles Quorum,PVEAuditor",
    'pveum user token add quorum@pve act --privsep 0',
    'pveum user token add quorum@pve read --privsep 1',
    "pveum acl modify / --tokens 'quorum@pve!read' --roles PVEAuditor",
  ]
}

/** The lines for the account that manages access: apart, since whoever may give rights may give them to itself. */
export function accessScript(catalogue: Catalogue, major = newest): string[] {
  return [
    `pveum role add QuorumAccess --privs "${everyPrivilege(catalogue, 'access', major).join(',')}"`,
    'pveum user add quorum-access@pve --comment "Quorum, access alone"',
    "pveum acl modify / --users 'quorum-access@pve' --roles QuorumAccess",
    'pveum user token add quorum-access@pve access --privsep 0',
  ]
}

const config = `\`\`\`yaml
clusters:
  - name: main
    endpoints: [https://10.0.0.1:8006, https://10.0.0.2:8006]
    tokens:
      read: { id: quorum@pve!read, secret: \${PVE_READ_SECRET} }
      act: { id: quorum@pve!act, secret: \${PVE_ACT_SECRET} }
\`\`\``

const words = {
  en: {
    title: '# Least privilege',
    intro:
      'Made from what the commands declare by `npm run docs`; a test runs these lines on the simulated cluster and the commands with what they give. Run them once, as root on any node of the cluster. The two lines with `token add` each print a secret that is never shown again.',
    older: 'On Proxmox VE 7 the role has no `SDN.Use`:',
    after:
      'The bot gets the secret of `read` and looks; workers get the secret of `act` and do. The acting token has the rights of its user; the reading one only what its own line gives it, and never more than the user has.',
    check:
      'Then `quorum doctor` (or `/pve doctor`) looks whether every command has what it needs, and prints the line for what it has not.',
    why: '## Why each privilege',
    columns: ['Privilege of the acting token', 'On', 'Commands'],
    narrow:
      'To let Quorum touch only some machines, give the role on their pool and on their storages instead of on `/` (`pveum acl modify /pool/web --users quorum@pve --roles Quorum`, the same for `/storage/NAME`), and keep `PVEAuditor` on `/`. New machines are in no pool, so `vm create` and `vm clone` do not work then. The doctor says on which paths the rights hold.',
    access:
      'The `access` commands (rights and realms) use a token of their own, which only workers hold, under `tokens: { access: { id: quorum-access@pve!access, secret: … } }`. Without it they are refused; no other token stands in for it. `Permissions.Modify` on `/` can give every right to everybody, this account included: leave these lines out unless you want that from chat, or give the role on `/pool/NAME` alone to let rights be given only there.',
    root: 'Some calls are refused to every token, even one of root, and need `quorum worker --root`:',
  },
  es: {
    title: '# Mínimo privilegio',
    intro:
      'Se genera a partir de lo que declaran los comandos con `npm run docs`; una prueba ejecuta estas líneas en el clúster simulado, y los comandos con lo que ellas dan. Ejecútalas una vez, como root en cualquier nodo del clúster. Las dos líneas con `token add` muestran cada una un secreto que no se vuelve a mostrar.',
    older: 'En Proxmox VE 7 el rol no lleva `SDN.Use`:',
    after:
      'El bot recibe el secreto de `read` y mira; los workers reciben el de `act` y actúan. El token que actúa tiene los derechos de su usuario; el de lectura solo lo que le da su propia línea, y nunca más que el usuario.',
    check:
      'Después, `quorum doctor` (o `/pve doctor`) revisa si cada comando tiene lo que necesita, y muestra la línea para lo que le falta.',
    why: '## Por qué cada privilegio',
    columns: ['Privilegio del token que actúa', 'En', 'Comandos'],
    narrow:
      'Para que Quorum toque solo algunas máquinas, da el rol en su pool y en sus almacenamientos en vez de en `/` (`pveum acl modify /pool/web --users quorum@pve --roles Quorum`, y lo mismo con `/storage/NAME`), y deja `PVEAuditor` en `/`. Las máquinas nuevas no están en ningún pool, así que `vm create` y `vm clone` no funcionan entonces. El doctor dice en qué rutas valen los derechos.',
    access:
      'Los comandos `access` (permisos y dominios) usan un token propio, que solo tienen los workers, en `tokens: { access: { id: quorum-access@pve!access, secret: … } }`. Sin él se rechazan; ningún otro token lo reemplaza. `Permissions.Modify` en `/` puede dar cualquier permiso a cualquiera, también a esta misma cuenta: omite estas líneas si no lo quieres desde el chat, o da el rol solo en `/pool/NOMBRE` para que únicamente ahí se puedan dar permisos.',
    root: 'Algunas llamadas se niegan a todo token, incluso a uno de root, y necesitan `quorum worker --root`:',
  },
}

/** docs/least-privilege.md: the script, and who needs what, in both languages. */
export function leastPrivilege(catalogue: Catalogue): string {
  const script = (major: number) => ['```sh', ...privilegeScript(catalogue, major), '```'].join('\n')
  const role = ['```sh', privilegeScript(catalogue, oldest)[0], '```'].join('\n')
  const calls = rootCalls(catalogue)
  const parts = (['en', 'es'] as const).flatMap((language) => {
    const say = words[language]
    const root = calls.length === 0 ? [] : [`${say.root}\n\n${calls.map((line) => `- ${line}`).join('\n')}`]
    return [
      say.title,
      say.intro,
      script(newest),
      say.older,
      role,
      say.after,
      config,
      say.check,
      say.narrow,
      say.access,
      ['```sh', ...accessScript(catalogue), '```'].join('\n'),
      say.why,
      table(say.columns, rows(catalogue)),
      ...root,
    ]
  })
  return `${parts.join('\n\n')}\n`
}

const own = (catalogue: Catalogue) => catalogue.entries.filter(({ path, file }) => path === file)

function rows(catalogue: Catalogue): string[][] {
  const users = new Map<string, string[]>()
  for (const entry of own(catalogue)) {
    for (const { path, privileges } of privilegesByPath(needsOf(entry, catalogue).act, newest)) {
      for (const privilege of privileges) {
        const key = `${privilege} ${path}`
        users.set(key, [...(users.get(key) ?? []), entry.path])
      }
    }
  }
  return [...users]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, commands]) => {
      const [privilege = '', path = ''] = key.split(' ')
      return [`\`${privilege}\``, `\`${path}\``, commands.join(', ')]
    })
}

const rootCalls = (catalogue: Catalogue): string[] =>
  own(catalogue).flatMap((entry) =>
    needsOf(entry, catalogue).act.flatMap((need) =>
      'rootOnly' in need ? [`\`${need.rootOnly}\`: ${entry.path}`] : [],
    ),
  )

const table = (columns: string[], lines: string[][]): string =>
  [columns, columns.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
