import type { RunPlan } from './command.ts'
import { tellFate } from './fate.ts'
import { findNode } from './find.ts'
import { fill } from './language.ts'
import type { ProxmoxPort, Words } from './ports.ts'
import { readSite, type SiteLook } from './site.ts'

/** What `src/ha/impact.ts` foretells, as far as it is told here. */
interface Impact {
  before: { present: number }
  after: { present: number; needed: number; expected: number; quorate: boolean; margin?: number }
  fates: readonly (Parameters<typeof tellFate>[0] & { sid: string; name: string })[]
}

/**
 * What is known before a node is told to go: the cluster around it, and whether it could be woken again.
 * @throws Refused `unknown-node`, `node-offline`
 */
export async function readBeforePower(proxmox: ProxmoxPort, given: string, cluster: string, signal: AbortSignal) {
  const { nodes } = await proxmox.resources({ signal })
  const node = findNode(nodes, given, cluster).name
  const [look, wake] = await Promise.all([
    readSite(proxmox, (guest) => guest.node === node, signal),
    proxmox.wakeAddress(node, { signal }).catch(() => undefined),
  ])
  const others = nodes.filter((one) => one.name !== node && one.status === 'online').map(({ name }) => name)
  return { node, look, others, canWake: wake !== undefined, address: addressOf(look, node) }
}

const addressOf = ({ status }: SiteLook, node: string) => status.members.find(({ name }) => name === node)?.ip

/** The plan of a shutdown or a reboot, with what it brings about said first. */
export function tellPower(
  action: 'shutdown' | 'reboot',
  before: Awaited<ReturnType<typeof readBeforePower>>,
  impact: Impact,
  lives: readonly string[],
  words: Words,
): Pick<RunPlan, 'title' | 'node' | 'shows' | 'warnings' | 'explain' | 'state'> {
  const { power } = words.hosts
  const { node, look, others } = before
  const { after, fates } = impact
  const policy = look.options?.shutdownPolicy ?? 'conditional'
  const under = new Set(look.ha.managed.map(({ sid }) => sid))
  const running = (sid: string) =>
    look.ha.guests.some((one) => sid.endsWith(`:${one.vmid}`) && one.status !== 'stopped')
  const outside = fates.filter(({ sid }) => !under.has(sid) && running(sid)).map(({ name, sid }) => `${name} (${sid})`)
  const lone = look.status.cluster === undefined
  return {
    title: fill(power.titles[action], { node }),
    node: others[0] ?? node,
    shows: [
      ...(lone
        ? []
        : [
            {
              name: power.votes,
              value: fill(power.votesAre, {
                before: impact.before.present,
                after: after.present,
                needed: after.needed,
                expected: after.expected,
              }),
            },
            { name: power.policy, value: `${policy}: ${words.ha.policies[policy][action]}` },
          ]),
      ...fates
        .filter(({ sid }) => under.has(sid))
        .map((fate) => {
          const [then, why] = tellFate(fate, words)
          return { name: `${fate.name} (${fate.sid})`, value: fill(power.fate, { then, why }) }
        }),
    ],
    warnings: [
      ...(lone ? [power.lone] : after.quorate ? (after.margin === 0 ? [power.lastMargin] : []) : [power.quorumLost]),
      ...(outside.length > 0 ? [fill(power.outside, { guests: outside.join(', ') })] : []),
      ...(lives.length > 0 ? [fill(power.lives, { what: lives.join(', ') })] : []),
      ...(action === 'shutdown' && !lone && !before.canWake ? [fill(power.noWake, { node })] : []),
    ],
    explain: {
      shell: [`pvesh create /nodes/${node}/status --command ${action}`],
      clicks: [fill(power.clickSelect, { node }), power.click[action]],
    },
    state: { policy, quorate: after.quorate, fates: fates.map(({ sid, outcome }) => [sid, outcome]) },
  }
}
