import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode } from '../../src/core/find.ts'
import { haDecidedOn, numberOf, refuseWithoutQuorum } from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import { readSite } from '../../src/core/site.ts'
import { drainOf } from '../../src/ha/drain.ts'
import { siteOf } from '../../src/ha/site.ts'
import hostDrain from '../../workers/host-drain.ts'

/** Moves every guest of a node away; what has to stay is named before anything moves. */
export default defineCommand({
  role: 'operator',
  risk: 'endangers',
  needs: [reads.cluster, reads.nodes, reads.guests, reads.storages],
  args: z.object({ node: arg.node(), local: arg.boolean().prefault('false') }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Move every machine of a node away, live where that works; say what stays and why',
      args: { node: 'The node', local: "Copy disks on the node's own storage too" },
      words: {
        title: 'Drain node {node}: {moves} move, {stays} stay',
        empty: 'Node {node} has no machine',
        live: '→ {target}, live',
        cold: '→ {target}, it is off',
        restarts: '→ {target}, RESTARTED there: containers do not move live',
        copied: '→ {target}, live, its disks copied',
        byHa: '{how}, by HA',
        stays: 'stays: {why}',
        aside: 'Failback set aside',
        asideIs: '{ids}; restored by: host undrain {node}',
        groups: 'Before Proxmox VE 9 failback belongs to the group: it is set aside for all machines of {ids}.',
        maintenance: 'For longer',
        maintenanceIs:
          'Maintenance mode has no API; on any node: ha-manager crm-command node-maintenance enable {node}',
        click: 'Right-click node {node} in the tree on the left, then "Bulk Migrate"',
      },
      refusals: {
        'nothing-moves': { says: 'Nothing on {node} can be moved: {stays}.', hint: 'host drain {node} local:true' },
      },
    },
    es: {
      summary: 'Mudar todas las máquinas de un nodo, en vivo donde se puede; decir qué queda y por qué',
      args: { node: 'El nodo', local: 'Copiar también los discos del almacenamiento propio del nodo' },
      words: {
        title: 'Vaciar el nodo {node}: {moves} se mudan, {stays} quedan',
        empty: 'El nodo {node} no tiene máquinas',
        live: '→ {target}, en vivo',
        cold: '→ {target}, está apagada',
        restarts: '→ {target}, REINICIADO allá: los contenedores no se mudan en vivo',
        copied: '→ {target}, en vivo, copiando sus discos',
        byHa: '{how}, por HA',
        stays: 'queda: {why}',
        aside: 'Failback apartado',
        asideIs: '{ids}; lo restaura: host undrain {node}',
        groups: 'Antes de Proxmox VE 9 el failback es del grupo: se aparta para todas las máquinas de {ids}.',
        maintenance: 'Por más tiempo',
        maintenanceIs:
          'El modo de mantenimiento no tiene API; en cualquier nodo: ha-manager crm-command node-maintenance enable {node}',
        click: 'Clic derecho en el nodo {node} del árbol de la izquierda, luego «Bulk Migrate»',
      },
      refusals: {
        'nothing-moves': { says: 'Nada de {node} se puede mudar: {stays}.', hint: 'host drain {node} local:true' },
      },
    },
  },
  examples: [
    { say: 'host drain pve3', answers: true },
    { say: 'host drain pve1 local:true', plans: 'host-drain' },
    { say: 'host drain pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { stays: reasons } = house.words[asker.language].hosts
    const { nodes } = await proxmox.resources({ signal })
    const node = findNode(nodes, args.node, cluster).name
    const look = await readSite(proxmox, (guest) => guest.node === node, signal)
    const { ha } = look
    refuseWithoutQuorum(ha, cluster)
    const { moves, stays } = drainOf(siteOf(look), node, args.local)
    const templates = ha.guests.filter((guest) => guest.node === node && guest.template)
    const staying = [
      ...stays.map(({ sid, name, why, key }) => ({
        name: `${name} (${sid})`,
        value: say('stays', { why: fill(reasons[why], { key, node, guest: numberOf(sid) }) }),
      })),
      ...templates.map(({ name, vmid }) => ({
        name: `${name} (${vmid})`,
        value: say('stays', { why: reasons.template }),
      })),
    ]
    if (moves.length + staying.length === 0) return answer({ title: say('empty', { node }), state: 'ok' })
    if (moves.length === 0) {
      throw new Refused('nothing-moves', {
        node,
        stays: staying.map(({ name, value }) => `${name} ${value}`).join('; '),
      })
    }
    const bouncing = ha.managed.filter(({ sid }) => moves.some((move) => move.sid === sid && move.bounces))
    const isGrouped = ha.groups !== undefined
    const groups = (ha.groups ?? []).filter(({ group }) => bouncing.some((one) => one.group === group))
    const aside = isGrouped
      ? groups.map(({ group, comment }) => ({
          what: 'group' as const,
          id: group,
          ...(comment === undefined ? {} : { comment }),
        }))
      : bouncing.map(({ sid, comment }) => ({
          what: 'resource' as const,
          id: sid,
          ...(comment === undefined ? {} : { comment }),
        }))
    const ids = aside.map(({ id }) => id).join(', ')
    const how = ({ sid, target, running, localDisks, ha: byHa }: (typeof moves)[number]) => {
      const word = !running ? 'cold' : sid.startsWith('ct:') ? 'restarts' : localDisks ? 'copied' : 'live'
      return byHa ? say('byHa', { how: say(word, { target }) }) : say(word, { target })
    }
    return run(hostDrain.job({ node, aside, moves: moves.map(({ bounces, ...move }) => move) }), {
      title: say('title', { node, moves: moves.length, stays: staying.length }),
      node,
      shows: [
        ...moves.map((move) => ({ name: `${move.name} (${move.sid})`, value: how(move) })),
        ...staying,
        ...(aside.length > 0 ? [{ name: say('aside'), value: say('asideIs', { ids, node }) }] : []),
        { name: say('maintenance'), value: say('maintenanceIs', { node }) },
      ],
      warnings: isGrouped && aside.length > 0 ? [say('groups', { ids })] : [],
      explain: {
        shell: [
          ...aside.map(({ what, id }) =>
            what === 'group' ? `ha-manager groupset ${id} --nofailback 1` : `ha-manager set ${id} --failback 0`,
          ),
          ...moves.map(({ sid, target, ha: byHa, running, localDisks }) =>
            byHa
              ? `ha-manager migrate ${sid} ${target}`
              : sid.startsWith('vm:')
                ? `qm migrate ${numberOf(sid)} ${target}${running ? ' --online' : ''}${localDisks ? ' --with-local-disks' : ''}`
                : `pct migrate ${numberOf(sid)} ${target}${running ? ' --restart' : ''}`,
          ),
        ],
        clicks: [say('click', { node })],
      },
      state: { ha: haDecidedOn(ha), moves, stays },
    })
  },
})
