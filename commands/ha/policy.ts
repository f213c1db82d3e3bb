import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { refuseWithoutQuorum } from '../../src/core/ha.ts'
import { fill } from '../../src/core/language.ts'
import { reads } from '../../src/core/needs.ts'
import haPolicy from '../../workers/ha-policy.ts'

const policies = ['conditional', 'freeze', 'failover', 'migrate'] as const

/** What happens to machines under HA when somebody shuts their node down or reboots it; a crash is another thing. */
export default defineCommand({
  role: 'operator',
  risk: 'changes',
  needs: [reads.cluster, reads.nodes],
  args: z.object({ to: arg.choice(policies).optional() }),
  positionals: ['to'],
  text: {
    en: {
      summary: 'What happens to machines under HA when their node is shut down or rebooted; set it',
      args: { to: 'The policy to set: conditional, freeze, failover, migrate' },
      words: {
        shows: 'Shutdown policy of {cluster}: {policy}',
        text: 'It holds when somebody shuts a node down or reboots it. A node that crashes is always fenced, and its machines start elsewhere.',
        set: 'To set another: ha policy NAME',
        current: 'now',
        title: 'Shutdown policy {policy}',
      },
    },
    es: {
      summary: 'Qué pasa con las máquinas bajo HA cuando su nodo se apaga o reinicia; fijarlo',
      args: { to: 'La política que se fija: conditional, freeze, failover, migrate' },
      words: {
        shows: 'Política de apagado de {cluster}: {policy}',
        text: 'Vale cuando alguien apaga o reinicia un nodo. Un nodo que se cae siempre se aísla, y sus máquinas arrancan en otro.',
        set: 'Para fijar otra: ha policy NAME',
        current: 'ahora',
        title: 'Política de apagado {policy}',
      },
    },
  },
  examples: [
    { say: 'ha policy', answers: true },
    { say: 'ha policy migrate', plans: 'ha-policy' },
    { say: 'ha policy conditional', refuses: 'ha-nothing-to-change' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const { ha } = house.words[asker.language]
    const { shutdownPolicy: was = 'conditional' } = await proxmox.clusterOptions({ signal })
    if (args.to === undefined) {
      return answer({
        title: say('shows', { cluster, policy: was }),
        text: `${say('text')}\n${say('set')}`,
        table: {
          columns: [ha.labels.policy, ha.labels.onShutdown, ha.labels.onReboot],
          rows: policies.map((policy) => [
            policy === was ? `${policy} (${say('current')})` : policy,
            ha.policies[policy].shutdown,
            ha.policies[policy].reboot,
          ]),
        },
      })
    }
    const { to } = args
    const [entries, { nodes }] = await Promise.all([proxmox.haStatus({ signal }), proxmox.resources({ signal })])
    refuseWithoutQuorum({ entries }, cluster)
    if (to === was) throw new Refused('ha-nothing-to-change', { what: `shutdown_policy ${was}` })
    return run(haPolicy.job({ was, to }), {
      title: say('title', { policy: to }),
      node: nodes.find(({ status }) => status === 'online')?.name ?? '',
      shows: [
        { name: ha.labels.policy, value: `${was} → ${to}` },
        { name: ha.labels.onShutdown, value: ha.policies[to].shutdown },
        { name: ha.labels.onReboot, value: ha.policies[to].reboot },
      ],
      explain: {
        shell: [`pvesh set /cluster/options --ha shutdown_policy=${to}`],
        clicks: [fill(ha.clicks.options, { policy: to })],
      },
      state: { was },
    })
  },
})
