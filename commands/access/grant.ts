import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import {
  accessPath,
  findRole,
  findSubject,
  givesRights,
  isOurs,
  isSo,
  lookAtAccess,
  type Standing,
} from '../../src/core/granting.ts'
import { difference, refuseAbsent, refuseUnsaid } from '../../src/core/granting-plan.ts'
import { smallestRole, wishOf } from '../../src/core/least-access.ts'
import { reads } from '../../src/core/needs.ts'
import accessChange from '../../workers/access-change.ts'

/** Gives somebody a role on a path; asked for what they shall be able to do, it finds the smallest role for it. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  approval: 'access',
  needs: [reads.guests, reads.nodes, reads.storages, { path: '/access', privileges: ['Sys.Audit'] }],
  args: z.object({
    who: arg.text(),
    path: arg.text(),
    role: arg.text().optional(),
    may: arg.text().optional(),
    propagate: arg.boolean().default(true),
    everything: arg.boolean().default(false),
    ours: arg.boolean().default(false),
  }),
  positionals: ['who'],
  wants: (values) =>
    values.may === undefined
      ? { must: ['role'], never: [] }
      : { must: [], never: values.role === undefined ? ['role'] : [] },
  text: {
    en: {
      summary: 'Give a user, group or token a role on a path',
      args: {
        who: 'User (ana@pve), group or token (ana@pve!x)',
        path: '/, /pool/NAME, /vms/100, /nodes/NAME, /storage/NAME',
        role: 'A role of Proxmox',
        may: 'Instead of a role, what they may do: see, power, console, snapshot, … or a command (vm start)',
        propagate: 'Also below the path',
        everything: 'Yes: master of the whole cluster on purpose',
        ours: "Yes: Quorum's own rights on purpose",
      },
      words: {
        title: 'Give {who} the role {role} on {path}',
        so: '{who} has the role {role} on {path} already',
        who: 'Who',
        path: 'Path',
        below: '{path} and below it',
        alone: '{path} alone',
        roles: 'Roles there',
        gains: 'Gains',
        loses: 'Loses',
        from: '{role} (from {from})',
        by: '{role} (from {from}, by group {group})',
        nothing: 'none',
        smallest: 'Smallest role',
        smallestText: '{role} is the smallest that holds {wanted}',
        surplus: '{role} also gives: {surplus}. A role with only what is wanted: {line}',
        beside: '{wish} also asks for {privileges} on {path}, which this does not give: {line}',
        shadows: 'An entry here takes the place of what comes from above: {roles} no longer hold on {path}.',
        gives: '{role} holds Permissions.Modify: {who} may then give rights on {path} to anybody.',
        token: 'A token may never do more than its user: {user} needs the role there as well, unless it has it.',
        ours: "These are Quorum's own rights.",
        noToken: 'No worker has told lately that it holds a token for managing access (tokens.access).',
        clickAdd: 'Datacenter → Permissions → Add → {kind}',
        clickFill: 'Path {path}, {who}, role {role}, propagate {propagate}; then Add',
        user: 'User Permission',
        group: 'Group Permission',
        apiToken: 'API Token Permission',
      },
      refusals: {
        'access-no-role': {
          says: 'No role holds all of {wanted}.',
          hint: '{line}   # then: access grant … role:{name}',
        },
      },
    },
    es: {
      summary: 'Dar a un usuario, grupo o token un rol en una ruta',
      args: {
        who: 'Usuario (ana@pve), grupo o token (ana@pve!x)',
        path: '/, /pool/NOMBRE, /vms/100, /nodes/NOMBRE, /storage/NOMBRE',
        role: 'Un rol de Proxmox',
        may: 'En vez de un rol, lo que podrá: see, power, console, snapshot, backup, … o un comando (vm start)',
        propagate: 'También debajo de la ruta',
        everything: 'Sí: dueño de todo el clúster, a propósito',
        ours: 'Sí: los permisos del propio Quorum, a propósito',
      },
      words: {
        title: 'Dar a {who} el rol {role} en {path}',
        so: '{who} ya tiene el rol {role} en {path}',
        who: 'Quién',
        path: 'Ruta',
        below: '{path} y lo que está debajo',
        alone: 'solo {path}',
        roles: 'Roles ahí',
        gains: 'Gana',
        loses: 'Pierde',
        from: '{role} (viene de {from})',
        by: '{role} (viene de {from}, por el grupo {group})',
        nothing: 'ninguno',
        smallest: 'El rol más pequeño',
        smallestText: '{role} es el más pequeño que tiene {wanted}',
        surplus: '{role} también da: {surplus}. Un rol con solo lo que se quiere: {line}',
        beside: '{wish} también pide {privileges} en {path}, y esto no lo da: {line}',
        shadows: 'Una entrada aquí reemplaza lo que viene de arriba: {roles} ya no valen en {path}.',
        gives: '{role} tiene Permissions.Modify: {who} podrá dar permisos en {path} a cualquiera.',
        token: 'Un token nunca puede más que su usuario: {user} también necesita el rol ahí, si no lo tiene.',
        ours: 'Son los permisos del propio Quorum.',
        noToken: 'Ningún worker ha informado últimamente que tiene un token para administrar accesos (tokens.access).',
        clickAdd: 'Datacenter → Permissions → Add → {kind}',
        clickFill: 'Path {path}, {who}, rol {role}, propagate {propagate}; después Add',
        user: 'User Permission',
        group: 'Group Permission',
        apiToken: 'API Token Permission',
      },
      refusals: {
        'access-no-role': {
          says: 'Ningún rol tiene todo esto: {wanted}.',
          hint: '{line}   # después: access grant … role:{name}',
        },
      },
    },
  },
  examples: [
    { say: 'access grant ana@pve role:PVEVMUser path:/pool/web', plans: 'access-change' },
    { say: 'access grant ana@pve may:power path:vm:100', plans: 'access-change' },
    { say: 'access grant helpdesk may:"vm start" path:/pool/web', plans: 'access-change' },
    { say: 'access grant ana@pve role:Administrator path:/', refuses: 'access-everything' },
    { say: 'access grant quorum@pve!read role:PVEAdmin path:/', refuses: 'access-ours' },
    { say: 'access grant luis@pve role:PVEVMUser path:/', refuses: 'access-who' },
    { say: 'access grant ana@pve role:PVEVMUser path:/vms/999', refuses: 'access-absent' },
    { say: 'access grant ana@pve path:/', asks: true },
  ],
  async plan({ args, proxmox, cluster, say, house, signal }) {
    const [look, own, resources, version] = await Promise.all([
      lookAtAccess(proxmox, signal),
      house.ownTokens(cluster),
      proxmox.resources({ signal }),
      proxmox.version({ signal }),
    ])
    const subject = findSubject(args.who, look)
    const { who } = subject
    const path = accessPath(args.path)
    refuseAbsent(path, { ...resources, storages: resources.storages.map(({ storage }) => storage) })
    const wish = args.may === undefined ? undefined : wishOf(args.may, path, house.catalogue, version.major)
    const wanted = wish?.privileges.join(', ') ?? ''
    const roleLine = `pveum role add ${roleName(args.may)} --privs "${wish?.privileges.join(',')}"`
    const smallest = wish && args.role === undefined ? smallestRole(look.roles, wish.privileges) : undefined
    if (wish && args.role === undefined && !smallest) {
      throw new Refused('access-no-role', { wanted, line: roleLine, name: roleName(args.may) })
    }
    const role = smallest?.role ?? findRole(args.role!, look.roles)
    const change = { ...subject, path, roles: [role.name], propagate: args.propagate, remove: false }
    const line = `access grant ${who} role:${role.name} path:${path}`
    refuseUnsaid(look, change, { own: own.all, ours: args.ours, everything: args.everything, line })
    if (isSo(look.acl, change)) return answer({ title: say('so', { who, role: role.name, path }), state: 'ok' })
    const { before, after, gains, loses, shadowed } = difference(look, change)
    const told = (all: readonly Standing[]) =>
      all.map((one) => say(one.group === undefined ? 'from' : 'by', { ...one })).join(', ') || say('nothing')
    const beside = (wish?.beside ?? []).map((need) => {
      const values = { path: need.path.split('/{')[0] || '/', privileges: need.privileges.join(', '), wish: args.may }
      return say('beside', {
        ...values,
        line: `access grant ${who} may:"${args.may}" path:${need.path.split('/{')[0]}`,
      })
    })
    const kind = subject.type === 'token' ? 'apiToken' : subject.type
    const node = resources.nodes.find(({ status }) => status === 'online')!.name
    return run(accessChange.job({ ...change, ours: args.ours }), {
      title: say('title', { who, role: role.name, path }),
      node,
      shows: [
        { name: say('who'), value: who },
        { name: say('path'), value: say(args.propagate ? 'below' : 'alone', { path }) },
        { name: say('roles'), value: `${told(before)} → ${told(after)}` },
        ...(gains.length > 0 ? [{ name: say('gains'), value: gains.join(', ') }] : []),
        ...(loses.length > 0 ? [{ name: say('loses'), value: loses.join(', ') }] : []),
        ...(smallest ? [{ name: say('smallest'), value: say('smallestText', { role: role.name, wanted }) }] : []),
      ],
      warnings: [
        ...(isOurs(subject, own.all, look.groups) ? [say('ours')] : []),
        ...(shadowed.length > 0 ? [say('shadows', { roles: told(shadowed), path })] : []),
        ...(givesRights(role) ? [say('gives', { role: role.name, who, path })] : []),
        ...(smallest && smallest.surplus.length > 0
          ? [say('surplus', { role: role.name, surplus: smallest.surplus.join(', '), line: roleLine })]
          : []),
        ...beside,
        ...(subject.type === 'token' ? [say('token', { user: who.split('!')[0]! })] : []),
        ...(own.access === undefined ? [say('noToken')] : []),
      ],
      explain: {
        shell: [
          `pveum acl modify ${path} --${subject.type}s '${who}' --roles ${role.name}${args.propagate ? '' : ' --propagate 0'}`,
        ],
        clicks: [
          say('clickAdd', { kind: say(kind) }),
          say('clickFill', { path, who, role: role.name, propagate: args.propagate ? '✓' : '–' }),
        ],
      },
      state: { before, privileges: role.privileges },
    })
  },
})

/** `vm start` → `VmStart`. */
const roleName = (wish = '') =>
  wish
    .split(/[^a-z]+/i)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
