import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRedisUrl } from '../src/config.ts'
import { Secret } from '../src/core/secret.ts'
import type { Memory } from '../src/ha/memory.ts'
import { EventLog } from '../src/jobs/event-log.ts'
import { connect } from '../src/jobs/redis.ts'
import { Seal } from '../src/jobs/seal.ts'
import { cutNetwork } from '../src/lab/power.ts'
import { createProxmox } from '../src/proxmox/client.ts'
import { watcherOf } from '../src/watch.ts'
import { Crew, until } from './crew.ts'
import { Caller } from './lab-calls.ts'

const secret = 'a-secret-of-some-length'
const base = '/cluster/notifications'
const encoded = (text: string) => Buffer.from(text).toString('base64')

let crew: Crew
let lab: Caller
let bot: Awaited<ReturnType<Crew['bot']>>

beforeAll(async () => {
  crew = await Crew.start({ speed: 0 })
  lab = new Caller(crew.sim)
  bot = await crew.bot('hook', { http: { listen: '127.0.0.1:0', hooks: { proxmox: { secret } } } })
})
afterAll(async () => {
  lab.player.close()
  await crew.close()
})

/** As docs/proxmox-webhook.md says it. */
async function setUp(): Promise<void> {
  const target = {
    name: 'quorum',
    url: `${bot.http}/hooks/proxmox/main`,
    method: 'post',
    header: `name=Authorization,value=${encoded('Bearer {{ secrets.token }}')}`,
    secret: `name=token,value=${encoded(secret)}`,
  }
  expect(await lab.call('POST', `${base}/endpoints/webhook`, target)).toMatchObject({ status: 200, data: null })
  const matcher = { 'match-severity': 'error,warning', 'match-field': 'exact:type=fencing,replication,vzdump' }
  const who = { name: 'quorum', target: 'quorum', mode: 'any', ...matcher }
  expect(await lab.call('POST', `${base}/matchers`, who)).toMatchObject({ status: 200, data: null })
}

test('the set-up of the documentation is taken, shown without its secret, and tried', async () => {
  await setUp()
  const { data } = await lab.call('GET', `${base}/endpoints/webhook/quorum`)
  expect(data).toMatchObject({ name: 'quorum', method: 'post', secret: ['name=token'] })
  expect(JSON.stringify(data)).not.toContain(encoded(secret))
  expect((await lab.call('GET', `${base}/targets`)).data).toMatchObject([{ name: 'mail-to-root' }, { name: 'quorum' }])
  expect((await lab.call('GET', `${base}/matchers/quorum`)).data).toMatchObject({ mode: 'any', target: ['quorum'] })
  expect((await lab.call('POST', `${base}/targets/quorum/test`)).status).toBe(200)
  const wrong = { name: 'quorum', secret: `name=token,value=${encoded('another')}` }
  await lab.call('PUT', `${base}/endpoints/webhook/quorum`, wrong)
  expect((await lab.call('POST', `${base}/targets/quorum/test`)).reason).toContain('HTTP status 401')
  await lab.call('PUT', `${base}/endpoints/webhook/quorum`, { ...wrong, secret: `name=token,value=${encoded(secret)}` })
  const used = await lab.call('DELETE', `${base}/endpoints/webhook/quorum`)
  expect(used.reason).toContain('referenced by: quorum')
  // Nobody in a lab makes this machine call another, nor anything else on itself.
  for (const url of ['http://192.0.2.1/hooks/proxmox', `${bot.http}/healthz`]) {
    const other = { name: 'other', url, method: 'get' }
    await lab.call('POST', `${base}/endpoints/webhook`, other)
    expect((await lab.call('POST', `${base}/targets/other/test`)).reason).toContain('no route to host')
    expect((await lab.call('DELETE', `${base}/endpoints/webhook/other`)).status).toBe(200)
  }
})

test('a watcher that would look in ten minutes looks when Proxmox says that it fences', async () => {
  const { sim } = crew
  const { clock, nodes } = sim.cluster
  const { ha } = nodes[0]!.config
  const made = await lab.begin('POST', '/nodes/pve3/qemu', { vmid: 100, name: 'web', scsi0: 'Storage:8' })
  await clock.advance(30)
  expect(made.exitstatus).toBe('OK')
  ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started' } })
  await clock.advance(40)

  const at = parseRedisUrl(crew.redis.url)!
  const [redis, subscriber] = [connect(at, 'patient', () => {}), connect(at, 'patient', () => {})]
  const log = new EventLog<Memory>({
    redis,
    subscriber,
    prefix: 'hook',
    cluster: 'main',
    seal: new Seal(Buffer.alloc(32)),
  })
  const { id, secret: token } = sim.readToken
  const auth = { token: { id, secret: new Secret(token) } }
  const proxmox = createProxmox({ cluster: 'main', endpoints: sim.endpoints, auth, tls: { ca: sim.ca } })
  const watcher = watcherOf({
    cluster: 'main',
    log,
    proxmox,
    pollMs: 600_000,
    holder: 'sleeper',
    clock: { now: Date.now, steady: () => performance.now() },
    warn: () => {},
  })
  watcher.start()
  await until(() => log.lastPolledAt(), 'the first look')
  cutNetwork(sim.cluster, nodes.find(({ name }) => name === 'pve3')!)
  await clock.advance(90)
  const told = async () => (await log.read(0)).map(({ event }) => event.kind)
  await until(async () => (await told()).includes('node.fencing'), 'the early look')
  expect(await told()).toEqual(['node.lost', 'node.fencing'])
  await watcher.stop()
  await proxmox.close()
  for (const one of [redis, subscriber]) one.disconnect()
})
