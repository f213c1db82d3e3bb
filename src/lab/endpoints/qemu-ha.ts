/** Guests under HA: Proxmox hands the wish to the CRM and calls the task done; test/recordings/ha.jsonl.gz. */
import { fail } from '../fault.ts'
import { isQuorate } from '../model.ts'
import type { Context, Json } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'

/** `ha-manager set … --state started` */
export function haStart(ctx: Context, vmid: number): Json {
  return ctx.task({ type: 'hastart', id: String(vmid) }, async (task) => {
    task.log(`Requesting HA start for VM ${vmid}`)
    await ask(ctx, task, `ha-manager set vm:${vmid} --state started`)
    const resource = ctx.config.ha.resources.get(`vm:${vmid}`)
    if (!resource) throw fail(`command 'ha-manager set vm:${vmid} --state started' failed: exit code 255`)
    resource.keys.state = 'started'
  })
}

/** `stop vm:ID TIMEOUT` for the CRM, 0 seconds being a hard stop. */
export function haStop(ctx: Context, vmid: number, timeoutSeconds: number): Json {
  return ctx.task({ type: 'hastop', id: String(vmid) }, async (task) => {
    task.log(`Requesting HA stop for VM ${vmid}`)
    await ask(ctx, task, `ha-manager crm-command stop vm:${vmid} ${timeoutSeconds}`)
    ctx.config.ha.commands.push(`stop vm:${vmid} ${timeoutSeconds}`)
  })
}

export function haMigrate(ctx: Context, vmid: number, target: string): Json {
  return ctx.task({ type: 'hamigrate', id: String(vmid) }, async (task) => {
    task.log(`Requesting HA migration for VM ${vmid} to node ${target}`)
    await ask(ctx, task, `ha-manager migrate vm:${vmid} ${target}`)
    ctx.config.ha.commands.push(`migrate vm:${vmid} ${target}`)
  })
}

/** The command line tool's second, and its end where /etc/pve/ha cannot be written. */
async function ask(ctx: Context, task: TaskHandle, command: string) {
  await task.sleep(0.9)
  if (isQuorate(ctx.sim, task.node)) return
  await task.sleep(9.1)
  task.log(`cfs-lock 'domain-ha' error: no quorum!`)
  throw fail(`command '${command}' failed: exit code 255`)
}
