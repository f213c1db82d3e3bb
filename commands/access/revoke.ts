import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { accessPath, findSubject, isOurs, lookAtAccess, type Standing } from '../../src/core/granting.ts'
import { difference, refuseUnsaid } from '../../src/core/granting-plan.ts'
import { reads } from '../../src/core/needs.ts'
import accessChange from '../../workers/access-change.ts'

/** Takes somebody's own roles on a path away, or one of them, and says what holds there afterwards. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  approval: 'access',
  needs: [reads.nodes, { path: '/access', privileges: ['Sys.Audit'] }],
  args: z.object({
    who: arg.text(),
    path: arg.text(),
    role: arg.text().optional(),
    ours: arg.boolean().default(false),
  }),
  positionals: ['who'],
  text: {
    en: {
      summary: 'Take a role on a path away from a user, group or token',
      args: {
        who: 'User (ana@pve), group or token (ana@pve!x)',
        path: '/, /pool/NAME, /vms/100, /nodes/NAME, /storage/NAME',
        role: 'One role; else all that they have there',
        ours: "Yes: Quorum's own rights on purpose",
      },
      words: {
        title: 'Take {roles} on {path} away from {who}',
        who: 'Who',
        path: 'Path',
        roles: 'Roles there',
        gains: 'Gains',
        loses: 'Loses',
        from: '{role} (from {from})',
        by: '{role} (from {from}, by group {group})',
        nothing: 'none',
        ours: "These are Quorum's own rights: commands that need them will be refused from then on.",
        above: 'What comes from above or by a group holds there again: {roles}.',
        nothingLost: 'Nothing is lost: {roles} give the same.',
        noToken: 'No worker has told lately that it holds a token for managing access (tokens.access).',
        clickSelect: 'Datacenter → Permissions: select the line {path}, {who}, {role}',
        clickRemove: 'Click "Remove", and confirm',
      },
      refusals: {
        'access-not-there': {
          says: '{who} has no such entry on {path}. Their own entries: {there}.',
          hint: 'access list {who}',
        },
      },
    },
    es: {
      summary: 'Quitar a un usuario, grupo o token un rol en una ruta',
      args: {
        who: 'Usuario (ana@pve), grupo o token (ana@pve!x)',
        path: '/, /pool/NOMBRE, /vms/100, /nodes/NOMBRE, /storage/NOMBRE',
        role: 'Un rol; si no, todos los que tiene ahí',
        ours: 'Sí: los permisos del propio Quorum, a propósito',
      },
      words: {
        title: 'Quitar {roles} en {path} a {who}',
        who: 'Quién',
        path: 'Ruta',
        roles: 'Roles ahí',
        gains: 'Gana',
        loses: 'Pierde',
        from: '{role} (viene de {from})',
        by: '{role} (viene de {from}, por el grupo {group})',
        nothing: 'ninguno',
        ours: 'Son los permisos del propio Quorum: los comandos que los necesitan serán rechazados desde entonces.',
        above: 'Lo que viene de arriba o por un grupo vuelve a valer ahí: {roles}.',
        nothingLost: 'No se pierde nada: {roles} dan lo mismo.',
        noToken: 'Ningún worker ha informado últimamente que tiene un token para administrar accesos (tokens.access).',
        clickSelect: 'Datacenter → Permissions: selecciona la línea {path}, {who}, {role}',
        clickRemove: 'Clic en «Remove», y confirma',
      },
      refusals: {
        'access-not-there': {
          says: '{who} no tiene esa entrada en {path}. Sus entradas propias: {there}.',
          hint: 'access list {who}',
        },
      },
    },
  },
  examples: [
    { say: 'access revoke ana@pve path:/vms/101', plans: 'access-change' },
    { say: 'access revoke ana@pve path:/vms/101 role:PVEVMAdmin', refuses: 'access-not-there' },
    { say: 'access revoke quorum@pve path:/', refuses: 'access-ours' },
    { say: 'access revoke ana@pve', asks: true },
  ],
  async plan({ args, proxmox, cluster, say, house, signal }) {
    const [look, own, { nodes }] = await Promise.all([
      lookAtAccess(proxmox, signal),
      house.ownTokens(cluster),
      proxmox.resources({ signal }),
    ])
    const subject = findSubject(args.who, look)
    const { who } = subject
    const path = accessPath(args.path)
    const mine = look.acl.filter((entry) => entry.type === subject.type && entry.who === who)
    const wanted = args.role?.trim().toLowerCase()
    const entries = mine.filter(
      (entry) => entry.path === path && [undefined, entry.role.toLowerCase()].includes(wanted),
    )
    if (entries.length === 0) {
      const there = mine.map((entry) => `${entry.role} (${entry.path})`).join(', ') || '-'
      throw new Refused('access-not-there', { who, path, there })
    }
    const roles = entries.map(({ role }) => role)
    const change = { ...subject, path, roles, propagate: true, remove: true }
    const line = `access revoke ${who} path:${path}${args.role === undefined ? '' : ` role:${args.role}`}`
    refuseUnsaid(look, change, { own: own.all, ours: args.ours, everything: false, line })
    const { before, after, gains, loses } = difference(look, change)
    const told = (all: readonly Standing[]) =>
      all.map((one) => say(one.group === undefined ? 'from' : 'by', { ...one })).join(', ') || say('nothing')
    const others = after.filter(({ from, group }) => from !== path || group !== undefined)
    return run(accessChange.job({ ...change, ours: args.ours }), {
      title: say('title', { who, roles: roles.join(', '), path }),
      node: nodes.find(({ status }) => status === 'online')!.name,
      shows: [
        { name: say('who'), value: who },
        { name: say('path'), value: path },
        { name: say('roles'), value: `${told(before)} → ${told(after)}` },
        ...(gains.length > 0 ? [{ name: say('gains'), value: gains.join(', ') }] : []),
        ...(loses.length > 0 ? [{ name: say('loses'), value: loses.join(', ') }] : []),
      ],
      warnings: [
        ...(isOurs(subject, own.all, look.groups) ? [say('ours')] : []),
        ...(others.length > 0 ? [say('above', { roles: told(others) })] : []),
        ...(loses.length === 0 && after.length > 0 ? [say('nothingLost', { roles: told(after) })] : []),
        ...(own.access === undefined ? [say('noToken')] : []),
      ],
      explain: {
        shell: [`pveum acl delete ${path} --${subject.type}s '${who}' --roles ${roles.join(',')}`],
        clicks: [...roles.map((role) => say('clickSelect', { path, who, role })), say('clickRemove')],
      },
      state: { before, after },
    })
  },
})
