import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { defineCommand, run } from '../../src/core/command.ts'
import { readBeforePower, tellPower } from '../../src/core/host-power.ts'
import { reads } from '../../src/core/needs.ts'
import { impactOf } from '../../src/ha/impact.ts'
import { siteOf } from '../../src/ha/site.ts'
import hostPower from '../../workers/host-power.ts'

/** Restarts a node, and waits until it votes again. */
export default defineCommand({
  role: 'admin',
  risk: 'endangers',
  needs: [reads.cluster, reads.nodes, reads.guests, reads.storages],
  args: z.object({ node: arg.node() }),
  positionals: ['node'],
  text: {
    en: {
      summary: 'Reboot a node; what becomes of its machines is said first',
      args: { node: 'The node' },
    },
    es: {
      summary: 'Reiniciar un nodo; antes se dice qué será de sus máquinas',
      args: { node: 'El nodo' },
    },
  },
  examples: [
    { say: 'host reboot pve3', plans: 'host-power' },
    { say: 'host reboot pve9', refuses: 'unknown-node' },
  ],
  async plan({ args, proxmox, cluster, house, asker, signal }) {
    const before = await readBeforePower(proxmox, args.node, cluster, signal)
    const { node, look, others, address } = before
    const impact = impactOf(siteOf(look), { node, kind: 'reboot' })
    const lives = address === undefined ? [] : await house.doctor.livesAt([address])
    const told = tellPower('reboot', before, impact, lives, house.words[asker.language])
    return run(hostPower.job({ node, action: 'reboot', lone: others.length === 0 }), told)
  },
})
