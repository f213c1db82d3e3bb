import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseModule } from './architecture/modules.ts'
import { rules } from './architecture/rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const sources = ['src', 'commands', 'workers', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path}`),
)

describe('our files', () => {
  const modules = sources.map((path) => parseModule(path, readFileSync(join(root, path), 'utf8')))

  test('are found', () => {
    expect(modules.map(({ path }) => path)).toContain('src/core/errors.ts')
  })

  for (const { says, faults } of rules) {
    test(says, () => {
      expect(faults(modules)).toEqual([])
    })
  }
})

/** Path → source. What a case leaves out is not there. */
type House = Readonly<Record<string, string>>

/** Each breaks one rule, in the file named first; the rule must say so, and no other rule may complain. */
const broken: Record<string, House[]> = {
  'a room imports only what its row allows': [
    { 'src/core/clock.ts': `import { readFileSync } from 'node:fs'` },
    { 'src/core/reply.ts': `import type { Guest } from '../proxmox/port.ts'` },
    { 'src/core/hash.ts': `import pino from 'pino'` },
    { 'src/ha/diff.ts': `import { Refused } from '../core/errors.ts'` },
    { 'src/ha/diff.ts': `import type { Guest } from '../proxmox/port.ts'` },
    { 'commands/vm/list.ts': `import { connect } from '../../src/proxmox/client.ts'\nexport default connect` },
    { 'commands/vm/list.ts': `import { type Guest } from '../../src/proxmox/port.ts'\nexport default 1 as Guest` },
    { 'commands/vm/list.ts': `import { queue } from '../../src/jobs/queue.ts'\nexport default queue` },
    { 'workers/vm-create.ts': `import vmList from '../commands/vm/list.ts'\nexport default vmList` },
    { 'workers/vm-create.ts': `export { post as default } from '../src/chat/slack/post.ts'` },
    { 'src/chat/slack/post.ts': `import { render } from '../discord/render.ts'` },
    { 'src/chat/slack/post.ts': `import { queue } from '../../jobs/queue.ts'` },
    { 'src/chat/shared.ts': `import { render } from './discord/render.ts'` },
    { 'src/lab/cluster.ts': `import { Refused } from '../core/errors.ts'` },
    { 'src/lab/cluster.ts': `import { connect } from '../proxmox/client.ts'` },
    { 'src/lab/cluster.ts': `import yaml from 'yaml'` },
    { 'src/http/health.ts': `import { queue } from '../jobs/queue.ts'` },
    { 'src/http/health.ts': `const queue = await import('../jobs/queue.ts')` },
    { 'src/jobs/queue.ts': `import { connect } from '../proxmox/client.ts'` },
    { 'src/jobs/queue.ts': `import { start } from '../app.ts'` },
    { 'src/jobs/queue.ts': `import { standIn } from '../../test/stand-in.ts'` },
    { 'src/config.ts': `import { connect } from './proxmox/client.ts'` },
    { 'src/setup.ts': `import { connect } from './proxmox/client.ts'` },
    { 'elsewhere/lost.ts': `export const lost = true` },
  ],
  'a package that has a home is imported there alone': [
    { 'src/http/slack.ts': `import type { App } from '@slack/bolt'` },
    { 'src/chat/web/send.ts': `import { Client } from 'discord.js'` },
    { 'src/http/metrics.ts': `import { Queue } from 'bullmq'` },
    { 'src/app.ts': `import { Redis } from 'ioredis'` },
    { 'src/audit/chain.ts': `const { Redis } = await import('ioredis')` },
    { 'src/app.ts': `import proxmoxApi from 'proxmox-api'` },
    { 'src/http/probe.ts': `import { request } from 'undici'` },
  ],
  'only src/config.ts reads the environment': [
    { 'src/jobs/queue.ts': `export const url = process.env['REDIS_URL']` },
    { 'src/jobs/queue.ts': `export const url = globalThis.process.env.REDIS_URL` },
    { 'src/jobs/queue.ts': `const { env } = process\nexport const url = env.REDIS_URL` },
    { 'src/jobs/queue.ts': `import { env } from 'node:process'\nexport const url = env.REDIS_URL` },
    { 'commands/vm/list.ts': `export default process['env'].HOME` },
  ],
  'no folder is named utils': [{ 'src/jobs/utils/sleep.ts': '' }, { 'test/util/ports.ts': '' }],
  'a relative import ends in .ts': [
    { 'src/jobs/queue.ts': `import { lock } from './lock.js'` },
    { 'src/jobs/queue.ts': `export * from './lock'` },
    { 'src/jobs/queue.ts': `export const later = () => import('./lock')` },
  ],
  'every command and every worker is a default export': [
    { 'commands/vm/list.ts': `export const list = 1` },
    { 'workers/vm-create.ts': `export const create = 1` },
  ],
  'our files import each other in no circle': [
    {
      'src/jobs/a.ts': `import { b } from './b.ts'\nexport const a = b`,
      'src/jobs/b.ts': `export * from './c.ts'`,
      'src/jobs/c.ts': `import { a } from './a.ts'\nexport const c = a`,
    },
    { 'src/jobs/self.ts': `import * as self from './self.ts'\nexport default self` },
  ],
}

const faultsOf = (house: House): [says: string, fault: string][] => {
  const modules = Object.entries(house).map(([path, source]) => parseModule(path, source))
  return rules.flatMap(({ says, faults }) => faults(modules).map((fault): [string, string] => [says, fault]))
}

describe('a broken house', () => {
  test('has a case for every rule', () => {
    expect(Object.keys(broken).sort()).toEqual(rules.map(({ says }) => says).sort())
  })

  for (const [says, houses] of Object.entries(broken)) {
    for (const house of houses) {
      test(`${says}: not ${Object.entries(house)[0]?.join(' with ')}`, () => {
        const found = faultsOf(house)
        expect(found).toHaveLength(1)
        expect(found[0]?.[0]).toBe(says)
        expect(found[0]?.[1]).toContain(Object.keys(house)[0])
      })
    }
  }
})

test('a sound house has no fault', () => {
  const sound: House = {
    'commands/vm/group.ts': `export const summary = 'Guests'`,
    'commands/vm/list.ts': `
      import { z } from 'zod'
      import type { Guest } from '../../src/proxmox/port.ts'
      import { defineCommand } from '../../src/core/command.ts'
      import { predict } from '../../src/ha/predict.ts'
      import create from '../../workers/vm-create.ts'
      export default defineCommand(z, predict, create satisfies Guest)`,
    'workers/vm-create.ts': `import { defineWorker } from '../src/core/worker.ts'\nexport default defineWorker()`,
    'src/core/command.ts': `import { z } from 'zod'\nimport type { Worker } from './worker.ts'`,
    'src/core/worker.ts': `import { defineCommand } from './command.ts'`,
    'src/ha/predict.ts': `import type { Message } from '../core/message.ts'`,
    'src/chat/slack/post.ts': `import { App } from '@slack/bolt'\nimport { Agent } from 'undici'`,
    'src/chat/discord/post.ts': `import { Client } from 'discord.js'`,
    'src/jobs/queue.ts': `import { Queue } from 'bullmq'\nimport type { Guest } from '../proxmox/port.ts'`,
    'src/lab/page.ts': `import { Hono } from 'hono'\nimport type { Message } from '../core/message.ts'`,
    'src/config.ts': `import { read } from './config/read.ts'\nexport const config = read(process.env)`,
    'src/app.ts': `import { post } from './chat/slack/post.ts'\nimport { queue } from './jobs/queue.ts'`,
    'test/queue.test.ts': `import { App } from '@slack/bolt'\nconst home = process.env.HOME`,
  }
  expect(faultsOf(sound)).toEqual([])
})
