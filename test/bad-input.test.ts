import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Crew } from './crew.ts'

let crew: Crew

beforeAll(async () => {
  crew = await Crew.start({ speed: 10 })
})

afterAll(() => crew.close())

/** What the bot answers to a line, with a cluster configured like this. */
async function answer(prefix: string, line: string, cluster: object, language?: string) {
  const bot = await crew.bot(prefix, {
    clusters: [{ name: 'main', tls: { ca: join(crew.folder, 'ca.pem') }, ...cluster }],
  })
  await bot.say('operator', line, 'general', language)
  const card = await bot.card(({ state }) => state === 'refused' || state === 'failed', 'an answer')
  await bot.close()
  return card.message
}

describe('a cluster that cannot be used gives one clear message with the next step', () => {
  test('a token that is wrong, expired or switched off', async () => {
    const token = { id: crew.sim.readToken.id, secret: '00000000-0000-0000-0000-000000000000' }
    const { error } = await answer('token', 'vm list', { endpoints: crew.sim.endpoints, tokens: { read: token } })
    expect(error).toMatchObject({ code: 'unauthorized', raw: expect.stringContaining('401') })
    expect(error?.hint).toContain(`pveum user token list quorum@pve`)
  })

  test('another certificate than the pinned one: nothing is sent', async () => {
    const tls = { fingerprints: [Array.from({ length: 32 }, () => 'AB').join(':')] }
    const { error } = await answer('pin', 'vm list', {
      endpoints: crew.sim.endpoints,
      tokens: { read: crew.sim.readToken },
      tls,
    })
    expect(error).toMatchObject({ code: 'certificate' })
    expect(error?.raw).toContain(crew.sim.fingerprints.find((pin) => error?.raw?.includes(pin)) ?? 'the shown one')
  })

  test('endpoints that do not answer, in Spanish', async () => {
    const endpoints = ['https://127.0.0.1:9', 'https://127.0.0.1:10']
    const message = await answer('dead', 'vm list', { endpoints, tokens: { read: crew.sim.readToken } }, 'es-EC')
    expect(message).toMatchObject({ state: 'failed', error: { code: 'proxmox-unreachable' } })
    expect(message.error?.says).toContain('Ningún punto de acceso')
  })

  test('a dead endpoint beside a living one is no matter', async () => {
    const endpoints = ['https://127.0.0.1:9', crew.sim.endpoints[1]]
    const bot = await crew.bot('half', {
      clusters: [
        { name: 'main', endpoints, tokens: { read: crew.sim.readToken }, tls: { ca: join(crew.folder, 'ca.pem') } },
      ],
    })
    await bot.say('viewer', 'vm list')
    await bot.card(({ table }) => table !== undefined, 'the list')
    await bot.close()
  })
})

test('an acting token without the right: the job fails with Proxmox’s line and leaves nothing behind', async () => {
  const act = { tokens: { read: crew.sim.readToken, act: crew.sim.readToken } }
  const clusters = [{ name: 'main', endpoints: crew.sim.endpoints, tls: { ca: join(crew.folder, 'ca.pem') }, ...act }]
  const bot = await crew.bot('rights', { clusters })
  const worker = await crew.worker('rights', { clusters })
  await bot.say('operator', 'vm create name:nope disk:1G')
  const card = await bot.card(({ state }) => state === 'failed', 'the job to fail')
  // Proxmox names the privilege for most calls, but not for this one.
  expect(card.message.error).toMatchObject({ code: 'forbidden-unsaid', raw: expect.stringContaining('403') })
  expect(card.message.error?.hint).toContain('doctor')
  expect(card.message.fields?.find(({ name }) => name.startsWith('Left behind'))?.value).toBe('nothing')
  expect(card.message.actions?.map(({ id }) => id)).toEqual(['retry', 'log'])
  await Promise.all([worker.stop(), bot.close()])
}, 60_000)

test('a configuration with three faults: all three at once with their lines, and no stack', async () => {
  const file = join(crew.folder, 'faulty.yaml')
  const lines = [
    'clusters:',
    '  - name: main',
    '    endpoints: [http://10.0.0.1:8006]',
    '    token: { id: nonsense, secret: abc }',
    'colour: red',
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  const env = { PATH: process.env.PATH ?? '', QUORUM_CONFIG: file, REDIS_URL: crew.redis.url, QUORUM_DATA: crew.folder }
  const { status, stderr } = spawnSync(process.execPath, ['dist/src/cli.js', 'bot'], { env, encoding: 'utf8' })
  expect(status).toBe(1)
  for (const line of [3, 4, 5]) expect(stderr).toMatch(new RegExp(`:${line}:`))
  expect(stderr).not.toMatch(/\n\s+at /)
})
