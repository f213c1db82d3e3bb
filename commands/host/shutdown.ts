import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { readBeforePower, tellPower } from '../../src/core/host-power.ts'
import { reads } from '../../src/core/needs.ts'
import { impactOf } from '../../src/ha/impact.ts'
import { siteOf } from '../../src/ha/site.ts'
import hostPower from '../../workers/host-power.ts'

/** Tells a node to go down, as its power button would. It comes back by `host wake` or by hand. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.cluster, reads.nodes, reads.guests, reads.storages],
  args: z.object({ node: arg.node() }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Shut a node down; what becomes of its machines is said first',
      args: { node: 'The node' },
    },
    es: {
      summary: 'Apagar un nodo; antes se dice qué será de sus máquinas',
      args: { node: 'El nodo' },
    },
  },
  examples: [
    { say: 'host shutdown pve3', plans: 'host-power' },
    { say: 'host shutdown pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, house, asker, signal }) {
    const before = await readBeforePower(proxmox, args.node, cluster, signal)
    const { node, look, others, address } = before
    const impact = impactOf(siteOf(look), { node, kind: 'shutdown' })
    const lives = address === undefined ? [] : await house.doctor.livesAt([address])
    // A power device switches it on as well as a packet does.
    const canWake = before.canWake || house.drills.means(node).restore === 'webhook'
    const told = tellPower('shutdown', { ...before, canWake }, impact, lives, house.words[asker.language])
    return run(hostPower.job({ node, action: 'shutdown', lone: others.length === 0 }), told)
  },
})
