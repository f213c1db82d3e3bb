import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { accessPath, findSubject, isOurs, lookAtAccess, standing } from '../../src/core/granting.ts'

/** More lines than this are not read in a chat. */
const most = 40

/** Who has which role on which path. */
export default defineCommand({
  role: 'admin',
  risk: 'reads',
  needs: [{ path: '/access', privileges: ['Sys.Audit'] }],
  args: z.object({ who: arg.text().optional(), path: arg.text().optional() }),
  positionals: ['who'],
  text: {
    en: {
      summary: 'Who has which role on which path',
      args: { who: 'User, group or token', path: 'A path: what holds there' },
      words: {
        title: 'Rights: {count}',
        titleOf: 'Rights of {who}: {count}',
        none: 'Nobody has any right of their own, or the reading token may not see them.',
        noneOf: '{who} has no entry of their own.',
        path: 'Path',
        who: 'Who',
        role: 'Role',
        below: 'Below it too',
        yes: 'yes',
        no: 'no',
        ours: '{who} (Quorum itself)',
        more: '{count} more. Name somebody: access list NAME',
        holds: 'Holds on {path}',
        from: '{role} (from {from})',
        by: '{role} (from {from}, by group {group})',
        nothing: 'nothing',
      },
    },
    es: {
      summary: 'Quién tiene qué rol en qué ruta',
      args: { who: 'Usuario, grupo o token', path: 'Una ruta: lo que vale ahí' },
      words: {
        title: 'Permisos: {count}',
        titleOf: 'Permisos de {who}: {count}',
        none: 'Nadie tiene un permiso propio, o el token de lectura no los puede ver.',
        noneOf: '{who} no tiene ninguna entrada propia.',
        path: 'Ruta',
        who: 'Quién',
        role: 'Rol',
        below: 'También debajo',
        yes: 'sí',
        no: 'no',
        ours: '{who} (el propio Quorum)',
        more: '{count} más. Nombra a alguien: access list NOMBRE',
        holds: 'Vale en {path}',
        from: '{role} (viene de {from})',
        by: '{role} (viene de {from}, por el grupo {group})',
        nothing: 'nada',
      },
    },
  },
  examples: [
    { say: 'access list', answers: true },
    { say: 'access list ana@pve path:/pool/web', answers: true },
    { say: 'access list nobody@pve', refuses: 'access-who' },
    { say: 'access list path:/nowhere', refuses: 'access-path' },
  ],
  async plan({ args, proxmox, cluster, say, house, signal }) {
    const [look, own] = await Promise.all([lookAtAccess(proxmox, signal), house.ownTokens(cluster)])
    const subject = args.who === undefined ? undefined : findSubject(args.who, look)
    const path = args.path === undefined ? undefined : accessPath(args.path)
    const entries = look.acl
      .filter((entry) => subject === undefined || (entry.type === subject.type && entry.who === subject.who))
      .filter((entry) => subject !== undefined || path === undefined || entry.path === path)
      .sort((a, b) => a.path.localeCompare(b.path) || a.who.localeCompare(b.who))
    const named = ({ type, who }: (typeof entries)[number]) =>
      isOurs({ type, who }, own.all, look.groups) ? say('ours', { who }) : who
    const rows = entries
      .slice(0, most)
      .map((entry) => [entry.path, named(entry), entry.role, say(entry.propagate ? 'yes' : 'no')])
    const holding = subject && path !== undefined ? standing(look, subject, path) : undefined
    const holds = holding?.map(({ role, from, group }) =>
      say(group === undefined ? 'from' : 'by', { role, from, group }),
    )
    const who = subject?.who
    return answer({
      title:
        who === undefined ? say('title', { count: entries.length }) : say('titleOf', { who, count: entries.length }),
      ...(rows.length > 0
        ? { table: { columns: [say('path'), say('who'), say('role'), say('below')], rows } }
        : { text: who === undefined ? say('none') : say('noneOf', { who }) }),
      fields: [
        ...(holds ? [{ name: say('holds', { path }), value: holds.join(', ') || say('nothing') }] : []),
        ...(entries.length > most ? [{ name: '…', value: say('more', { count: entries.length - most }) }] : []),
      ],
    })
  },
})
