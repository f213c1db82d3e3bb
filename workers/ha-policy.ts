import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import { defineWorker } from '../src/core/worker.ts'

const policy = z.enum(['conditional', 'freeze', 'failover', 'migrate'])

/** Sets what happens to machines under HA when their node is told to go down. */
export default defineWorker({
  payload: z.object({ was: policy, to: policy }),
  needs: [reads.cluster, { path: '/', privileges: ['Sys.Modify'] }],
  locks: () => ['ha'],
  text: {
    en: { title: 'Shutdown policy {to}', steps: { set: 'Set it' }, done: 'Shutdown policy: {to}' },
    es: { title: 'Política de apagado {to}', steps: { set: 'Fijarla' }, done: 'Política de apagado: {to}' },
  },
  titled: ({ to }) => ({ to }),
  async run({ payload, proxmox, change }) {
    const { was, to } = payload
    const now = async () => (await proxmox.clusterOptions()).shutdownPolicy ?? 'conditional'
    await change('set', {
      call: 'PUT /cluster/options',
      isSo: async () => (await now()) === to,
      act: async () => {
        if ((await now()) !== was) throw new Refused('ha-changed-meanwhile', { what: 'shutdown_policy' })
        await proxmox.updateClusterOptions({ ha: `shutdown_policy=${to}` })
      },
    })
    return { values: { to } }
  },
})
