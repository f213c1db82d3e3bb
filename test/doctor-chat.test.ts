import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadCatalogue } from '../src/app.ts'
import { loadConfig, parseRedisUrl, readEnvironment } from '../src/config.ts'
import { privilegeScript } from '../src/core/least-privilege.ts'
import type { Message } from '../src/core/message.ts'
import { localMembership } from '../src/membership.ts'
import { startWorker } from '../src/worker.ts'
import { type Chat, Crew, until } from './crew.ts'
import { Shell } from './fixtures/pveum.ts'

/** The whole house on a cluster where docs/least-privilege.md has been followed, and nothing more was given. */
let crew: Crew
let chat: Chat
let shell: Shell
const closers: (() => Promise<unknown>)[] = []
const secret = '11111111-2222-4333-8444-555555555555'

beforeAll(async () => {
  crew = await Crew.start({ speed: 20 })
  closers.push(() => crew.close())
  const { access } = crew.sim.cluster.nodes[0]!.config
  access.users.delete('quorum@pve')
  access.acl = []
  shell = new Shell(crew.sim)
  closers.unshift(() => shell.close())
  for (const line of privilegeScript(await loadCatalogue())) await shell.run(line)
  const { tokens } = access.users.get('quorum@pve')!
  for (const token of tokens.values()) token.secret = secret
  chat = await crew.bot('least', { clusters: clusters() })
})

const clusters = () => [
  {
    name: 'main',
    endpoints: crew.sim.endpoints,
    tokens: { read: { id: 'quorum@pve!read', secret }, act: { id: 'quorum@pve!act', secret } },
    tls: { ca: join(crew.folder, 'ca.pem') },
  },
]

afterAll(async () => {
  for (const close of closers) await close()
})

async function openWorker() {
  const env = await crew.environment('least', { clusters: clusters() })
  const environment = { ...readEnvironment({ ...env, LOG_LEVEL: 'silent' }), redis: parseRedisUrl(crew.redis.url) }
  const config = loadConfig({ role: 'worker', env })
  const key = Buffer.from(env.QUORUM_KEY!, 'hex')
  return startWorker({ config, environment, key, membership: localMembership(true) })
}

/** Types a line, decides what it asks for, and waits for the end of it. */
async function done(line: string, user = 'operator', language = 'en'): Promise<Message> {
  const from = Math.max(0, ...(await chat.messages()).map(({ seq }) => seq))
  const decided = new Set<string>()
  await chat.say(user, line, 'general', language)
  return until(async () => {
    const card = (await chat.messages('general', from)).filter(({ author }) => author === 'quorum').at(-1)
    if (!card) return undefined
    const { state, actions, table } = card.message
    for (const { id } of actions ?? []) {
      if (state !== 'waiting' || decided.has(id) || (id !== 'confirm' && id !== 'approve')) continue
      decided.add(id)
      await chat.click(id === 'confirm' ? user : 'admin', card.id, id)
    }
    return table || ['ok', 'warning', 'failed', 'refused'].includes(state) ? card.message : undefined
  }, `the end of ${line}`)
}

const row = (message: Message, what: string) => message.table?.rows.find(([name]) => name === what)

test('nobody but admins; without a worker the rights of the acting token are not known, and it says what to start', async () => {
  expect(await done('doctor', 'operator')).toMatchObject({ state: 'refused' })
  const card = await done('doctor', 'admin')
  expect(row(card, 'main: Acting token')?.[1]).toBe('not known')
  expect(card.fields?.find(({ name }) => name === 'Next: Acting token')?.value).toBe('quorum worker')
})

test('with what the script gives, every job is done', async () => {
  const worker = await openWorker()
  closers.unshift(() => worker.close())
  for (const line of [
    'vm create name:web1 iso:debian-12.iso disk:1G',
    'vm clone debian-12-template name:web2',
    'vm clone debian-12-template name:web3 full:true',
    'vm start web2',
    'vm reboot web2',
    'vm shutdown web2',
    'vm start web2',
    'vm stop web2',
    'vm delete web2',
  ]) {
    const card = await done(line)
    expect(card.state, `${line}: ${JSON.stringify(card.error ?? card)}`).toBe('ok')
  }
  const card = await done('doctor', 'admin')
  expect(row(card, 'main: Acting token')).toEqual(['main: Acting token', 'pass', 'quorum@pve!act is taken'])
  expect(card.table!.rows.filter(([, verdict]) => verdict === 'FAIL')).toEqual([])
}, 120_000)

test('a privilege that was taken away is told after the next report, in Spanish too', async () => {
  const { roles } = crew.sim.cluster.nodes[0]!.config.access
  roles.get('Quorum')!.delete('VM.Clone')
  expect((await done('vm clone debian-12-template name:web9')).error).toMatchObject({ code: 'forbidden' })
  const again = await openWorker()
  closers.unshift(() => again.close())
  const card = await until(async () => {
    const card = await done('doctor', 'admin', 'es')
    return card.state === 'failed' ? card : undefined
  }, 'the report')
  expect(row(card, 'main: vm clone')).toEqual(['main: vm clone', 'FALLA', 'a quorum@pve!act le falta VM.Clone en /vms'])
  expect(card.fields).toContainEqual({
    name: 'Sigue: vm clone',
    value: 'pveum role modify Quorum --append 1 --privs "VM.Clone"',
  })
})
