/** `disarm-ha` and `arm-ha`, since 9.1: both only ask the CRM, so that they are answered alike whatever comes of it. */
import { type Context, type Route, str } from '../router.ts'
import { withHaLock } from './ha-sections.ts'

export const routes: Route[] = [
  {
    method: 'POST',
    path: '/cluster/ha/status/disarm-ha',
    handler: (ctx) => ask(ctx, `disarm-ha ${str(ctx, 'resource-mode')}`),
  },
  { method: 'POST', path: '/cluster/ha/status/arm-ha', handler: (ctx) => ask(ctx, 'arm-ha') },
]

const ask = (ctx: Context, command: string) => withHaLock(ctx, '', () => void ctx.config.ha.commands.push(command))
