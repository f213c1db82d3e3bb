import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadCatalogue } from '../src/app.ts'
import { loadConfig, parseRedisUrl } from '../src/config.ts'
import type { Check } from '../src/core/doctor.ts'
import type { Language } from '../src/core/language.ts'
import { privilegeScript } from '../src/core/least-privilege.ts'
import { everyPrivilege, needsOf } from '../src/core/needs.ts'
import { openToolDoctor, reportRights, tableLines } from '../src/doctor.ts'
import { type PrivateRedis, startPrivateRedis } from '../src/jobs/private-redis.ts'
import { connect, type Redis } from '../src/jobs/redis.ts'
import { RightsBoard } from '../src/jobs/rights-board.ts'
import { Seal } from '../src/jobs/seal.ts'
import type { ClusterConfig } from '../src/lab/model.ts'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { createProxmoxWriter } from '../src/proxmox/client.ts'
import { Shell } from './fixtures/pveum.ts'

const catalogue = await loadCatalogue()
const everything = everyPrivilege(catalogue, 'act', 9)
const key = randomBytes(32).toString('hex')
const secret = '11111111-2222-4333-8444-555555555555'

let redis: PrivateRedis
let connection: Redis
let sim: RunningSim
let shell: Shell
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorum-doctor-'))
  ;[redis, sim] = await Promise.all([startPrivateRedis({ dir: folder, kind: 'test' }), startSim({ port: 0, seed: 1 })])
  connection = connect(parseRedisUrl(redis.url)!, 'patient', () => {})
  await writeFile(join(folder, 'ca.pem'), sim.ca)
})

beforeEach(async () => {
  await shell?.close()
  await sim.reset('cluster')
  // A site begun anew takes no ticket of the one before.
  shell = new Shell(sim)
})

afterAll(async () => {
  connection?.disconnect()
  await shell?.close()
  await sim?.close()
  await redis?.stop()
  await rm(folder, { recursive: true, force: true })
})

interface World {
  act?: { id: string; secret: string }
  tls?: object
  endpoints?: string[]
  env?: Record<string, string | undefined>
  more?: object
}

/** What a shell on the bot's machine would have. */
async function environment(world: World = {}): Promise<Record<string, string | undefined>> {
  const file = join(folder, 'quorum.json')
  const act = world.act ?? sim.token
  const clusters = [
    {
      name: 'main',
      endpoints: world.endpoints ?? sim.endpoints,
      tokens: { read: { id: sim.readToken.id, secret: `\${READ}` }, act: { id: act.id, secret: `\${ACT}` } },
      tls: world.tls ?? { ca: join(folder, 'ca.pem') },
    },
  ]
  await writeFile(file, JSON.stringify({ clusters, redis: { prefix: 'doctor' }, ...world.more }))
  return {
    QUORUM_CONFIG: file,
    QUORUM_DATA: folder,
    QUORUM_KEY: key,
    REDIS_URL: redis.url,
    READ: sim.readToken.secret,
    ACT: act.secret,
    ...world.env,
  }
}

async function examine(world: World = {}, language: Language = 'en'): Promise<Check[]> {
  const doctor = await openToolDoctor(await environment(world))
  try {
    return await doctor.examine({ language, signal: AbortSignal.timeout(20_000) })
  } finally {
    await doctor.close()
  }
}

const of = (checks: Check[], what: string) => {
  const found = checks.find((check) => check.what === what)
  if (!found) throw new Error(`no check ${what}; there are ${checks.map((check) => check.what).join(', ')}`)
  return found
}

const commandsThat = (checks: Check[], verdict: Check['verdict']) =>
  checks.filter((check) => check.area === 'command' && check.verdict === verdict)

const access = (): ClusterConfig['access'] => sim.cluster.nodes[0]!.config.access

/** A token of a user of its own, whose rights come from one role on `/`. */
async function tokenWith(role: string, privsep: 0 | 1): Promise<{ id: string; secret: string }> {
  await shell.run('pveum user add ops@pve')
  await shell.run(`pveum user token add ops@pve act --privsep ${privsep}`)
  await shell.run(`pveum acl modify / --users 'ops@pve' --roles ${role}`)
  if (privsep === 1) await shell.run(`pveum acl modify / --tokens 'ops@pve!act' --roles ${role}`)
  access().users.get('ops@pve')!.tokens.get('act')!.secret = secret
  return { id: 'ops@pve!act', secret }
}

describe('a token with all rights', () => {
  test('every command passes, and whatever is not well says what to do', async () => {
    const checks = await examine()
    expect(commandsThat(checks, 'fail')).toEqual([])
    expect(commandsThat(checks, 'pass').length).toBeGreaterThan(15)
    expect(of(checks, 'vm clone').found).toContain('VM.Clone')
    // The simulated nodes are this very machine, which is what the check is for.
    // Whether root@pam is wanted goes by the commands that there are.
    const wanting = checks.filter(
      ({ area, verdict, what }) => verdict !== 'pass' && what !== 'root@pam' && area !== 'command',
    )
    expect(wanting.map(({ what, verdict }) => `${what}: ${verdict}`)).toEqual([
      'On call: warn',
      'Pager: warn',
      'Heartbeat: warn',
      'Where Quorum lives: warn',
    ])
    expect(wanting.every(({ next }) => next.length > 0)).toBe(true)
    for (const endpoint of sim.endpoints) {
      expect(of(checks, endpoint)).toMatchObject({ verdict: 'pass', found: expect.stringMatching(/^pve\d: .*9\.2/) })
    }
    expect(of(checks, 'Redis: kept on disk').found).toContain('may lose the last second')
    expect(of(checks, 'Quorum').found).toBe('3 of 3 nodes online, quorate')
  })

  test('in Spanish the same checks say the same, and no place stays unfilled', async () => {
    const [english, spanish] = [await examine(), await examine({}, 'es')]
    expect(spanish.map(({ verdict }) => verdict)).toEqual(english.map(({ verdict }) => verdict))
    expect(of(spanish, 'Quórum').found).toBe('3 de 3 nodos en línea, con quórum')
    for (const checks of [english, spanish]) expect(JSON.stringify(checks)).not.toMatch(/(?<!\/)\{(?!")[a-z]/i)
    const lines = tableLines(spanish, 'es')
    expect(lines.some((line) => line.startsWith('✓ bien') && line.includes('main / vm clone'))).toBe(true)
    expect(JSON.stringify([...lines, ...tableLines(english, 'en')])).not.toContain(sim.token.secret)
  })
})

/** What gives the token its rights; a worker for what only root may do is no right of a token. */
const grants = (next: readonly string[]) => next.filter((line) => line !== 'quorum worker --root')

describe.each([0, 1] as const)('a token with one privilege missing (privsep %i)', (privsep) => {
  test.each(everything)('%s: names the commands and the line, and the line puts it right', async (missing) => {
    const rest = everything.filter((privilege) => privilege !== missing)
    await shell.run(`pveum role add Quorum --privs "${rest.join(',')}"`)
    const act = await tokenWith('Quorum', privsep)
    const failed = commandsThat(await examine({ act }), 'fail')
    const wanting = catalogue.entries.filter(
      (entry) =>
        entry.path === entry.file &&
        needsOf(entry, catalogue).act.some((need) => 'path' in need && need.privileges.includes(missing)),
    )
    expect(failed.map(({ what }) => what)).toEqual(wanting.map(({ path }) => path))
    for (const { found, next: lines } of failed) {
      const next = grants(lines)
      expect(found).toContain(`ops@pve!act lacks ${missing} on /`)
      // Without Sys.Audit the token does not see the list, and all lines are needed.
      if (missing !== 'Sys.Audit') expect(next).toEqual([`pveum role modify Quorum --append 1 --privs "${missing}"`])
    }
    for (const line of new Set(failed.flatMap(({ next }) => grants(next)))) await shell.run(line)
    expect(commandsThat(await examine({ act }), 'fail')).toEqual([])
  })
})

test("a token with one of Proxmox's own roles gets a role beside it, and keeps what it had", async () => {
  const act = await tokenWith('PVEAuditor', 1)
  const failed = commandsThat(await examine({ act }), 'fail')
  const lines = [...new Set(failed.flatMap(({ next }) => next))]
  expect(lines).toEqual([
    `pveum role add Quorum --privs "${everything.join(',')}"`,
    "pveum acl modify / --users 'ops@pve' --roles Quorum",
    "pveum acl modify / --tokens 'ops@pve!act' --roles Quorum",
    // A blueprint wants a token's rights for most of its parts, and root for the rest.
    'quorum worker --root',
  ])
  for (const line of lines.slice(0, 3)) await shell.run(line)
  const checks = await examine({ act })
  expect(commandsThat(checks, 'fail')).toEqual([])
  expect(
    access()
      .acl.filter(({ ugid }) => ugid === 'ops@pve!act')
      .map(({ roleid }) => roleid)
      .sort(),
  ).toEqual(['PVEAuditor', 'Quorum'])
})

test('rights on some machines alone are told with their paths', async () => {
  await shell.run(`pveum role add Quorum --privs "${everything.filter((name) => name !== 'VM.PowerMgmt').join(',')}"`)
  const act = await tokenWith('Quorum', 0)
  await shell.run('pveum role add Power --privs "VM.PowerMgmt,VM.Audit"')
  await shell.run("pveum acl modify /vms/9000 --users 'ops@pve' --roles Power")
  const start = of(await examine({ act }), 'vm start')
  expect(start).toMatchObject({ verdict: 'warn', found: expect.stringContaining('VM.PowerMgmt only on /vms/9000') })
})

describe('tokens and certificates', () => {
  test('an expired acting token is named with the line that renews it; the commands are not known', async () => {
    access().users.get('quorum@pve')!.tokens.get('bot')!.expire = 1
    const checks = await examine()
    expect(of(checks, 'Acting token')).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('quorum@pve!bot'),
    })
    expect(of(checks, 'Reading token').verdict).toBe('pass')
    expect(of(checks, 'vm clone').verdict).toBe('unknown')
    await shell.run(of(checks, 'Acting token').next[0]!)
    expect(commandsThat(await examine(), 'fail')).toEqual([])
  })

  test('an expired reading token is named too, and endpoints are told as reached', async () => {
    access().users.get('quorum@pve')!.tokens.get('read')!.expire = 1
    const checks = await examine()
    expect(of(checks, 'Reading token')).toMatchObject({ verdict: 'fail', found: expect.stringContaining('!read') })
    expect(of(checks, sim.endpoints[0]!)).toMatchObject({ verdict: 'unknown', found: expect.stringContaining('401') })
  })

  test('a reading token that does not see everything gets PVEAuditor', async () => {
    access().acl = access().acl.filter(({ ugid }) => ugid !== 'quorum@pve!read')
    const checks = await examine()
    const { verdict, next } = of(checks, 'Reading token')
    expect(verdict).toBe('fail')
    expect(next).toContain("pveum acl modify / --tokens 'quorum@pve!read' --roles PVEAuditor")
    for (const line of next) await shell.run(line)
    expect(of(await examine(), 'Reading token').verdict).toBe('pass')
  })

  test('another certificate than the pinned one is refused, and its fingerprint told', async () => {
    const wrong = Array(32).fill('AB').join(':')
    const checks = await examine({ tls: { fingerprints: [wrong, sim.fingerprints[1]!] } })
    const first = of(checks, sim.endpoints[0]!)
    expect(first).toMatchObject({ verdict: 'fail', found: expect.stringContaining(sim.fingerprints[0]!) })
    expect(first.next[0]).toContain('openssl x509')
    expect(of(checks, sim.endpoints[1]!)).toMatchObject({ verdict: 'pass', found: expect.stringContaining('pinned') })
  })

  test('a certificate that nobody we trust has signed is told as that', async () => {
    const checks = await examine({ tls: {} })
    expect(of(checks, sim.endpoints[0]!)).toMatchObject({ verdict: 'fail', next: [expect.stringContaining('tls.ca')] })
  })
})

test('one endpoint dead: it is told, the quorum is worth a look, and the rest passes', async () => {
  const dead = sim.cluster.nodes[2]!
  await fetch(`${sim.control}/api/lab/nodes/${dead.name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ power: 'off' }),
  })
  await expect.poll(async () => of(await examine(), 'Quorum').found, { timeout: 15_000 }).toMatch(/^2 of 3/)
  const checks = await examine()
  expect(of(checks, sim.endpoints[2]!)).toMatchObject({ verdict: 'fail', next: [expect.stringMatching(/^nc -vz/)] })
  expect(of(checks, sim.endpoints[0]!).verdict).toBe('pass')
  expect(commandsThat(checks, 'fail')).toEqual([])
})

describe('Redis', () => {
  test('without AOF, and with a policy that throws jobs away: both are wrong, with the line', async () => {
    await connection.config('SET', 'appendonly', 'no')
    await connection.config('SET', 'maxmemory-policy', 'allkeys-lru')
    try {
      const checks = await examine()
      const aof = of(checks, 'Redis: kept on disk')
      expect(aof).toMatchObject({ verdict: 'fail', next: [expect.stringContaining('config set appendonly yes')] })
      expect(of(checks, 'Redis: memory')).toMatchObject({
        verdict: 'fail',
        found: expect.stringContaining('allkeys-lru'),
      })
    } finally {
      await connection.config('SET', 'appendonly', 'yes')
      await connection.config('SET', 'maxmemory-policy', 'noeviction')
    }
  })

  test('one that does not answer is told, and everything else is looked at all the same', async () => {
    const checks = await examine({ env: { REDIS_URL: 'redis://127.0.0.1:1' } })
    expect(of(checks, 'Redis')).toMatchObject({ verdict: 'fail', next: ['redis-cli -u "$REDIS_URL" ping'] })
    expect(of(checks, 'vm clone').verdict).toBe('pass')
  })

  test('on another machine without TLS and password: worth a look', async () => {
    const checks = await examine({ env: { REDIS_URL: 'redis://192.0.2.1:6379' } })
    expect(of(checks, 'Redis: access')).toMatchObject({
      verdict: 'warn',
      found: '192.0.2.1:6379 is another machine, without TLS, a user and password',
    })
  })
})

describe('what a process does not hold itself, others report', () => {
  const board = (bytes = key) => new RightsBoard(connection, 'doctor', new Seal(Buffer.from(bytes, 'hex')))
  const bare = { env: { ACT: undefined } }

  beforeEach(() => connection.flushdb())

  test('nobody has: not known, and what to start', async () => {
    const checks = await examine(bare)
    expect(of(checks, 'Acting token')).toMatchObject({ verdict: 'unknown', next: ['quorum worker'] })
    expect(of(checks, 'vm clone').verdict).toBe('unknown')
    expect(of(checks, 'vm list').verdict).toBe('pass')
  })

  test('a worker has: its token is told of as if it were here', async () => {
    const config = loadConfig({ role: 'worker', env: await environment() })
    const writer = createProxmoxWriter({
      cluster: 'main',
      endpoints: sim.endpoints,
      auth: { token: sim.token },
      tls: { ca: sim.ca },
    })
    const reports = reportRights({
      config,
      board: board(),
      writers: { get: () => writer },
      access: { get: () => undefined, own: () => [] },
      onError: (error) => expect.fail(String(error)),
    })
    await expect.poll(async () => of(await examine(bare), 'Acting token').verdict, { timeout: 15_000 }).toBe('pass')
    reports.stop()
    await writer.close()
    expect(of(await examine(bare), 'vm clone')).toMatchObject({ verdict: 'pass' })
  })

  test('somebody else who can write to Redis cannot', async () => {
    const all = Object.fromEntries(everything.map((name) => [name, true]))
    await board('00'.repeat(32)).post('main', 'act', { token: 'quorum@pve!bot', permissions: { '/': all } })
    expect(of(await examine(bare), 'Acting token').verdict).toBe('unknown')
  })
})

test('a configuration with faults: each is a line, and Redis is looked at all the same', async () => {
  const checks = await examine({ more: { rolls: [], approvals: { destroys: 'many' } } })
  const faults = checks.filter(({ what }) => what === 'Configuration')
  expect(faults.map(({ verdict }) => verdict)).toEqual(['fail', 'fail'])
  expect(faults.map(({ found }) => found).join()).toMatch(/rolls .*approvals\.destroys/s)
  expect(of(checks, 'Redis').verdict).toBe('pass')
})

describe('least privilege', () => {
  const path = new URL('../docs/least-privilege.md', import.meta.url)

  test('the script of docs/ is the one that the commands ask for, in both languages', () => {
    const script = privilegeScript(catalogue).join('\n')
    expect(readFileSync(path, 'utf8').split(script)).toHaveLength(3)
  })

  test('what it makes is enough for every command', async () => {
    access().users.delete('quorum@pve')
    access().acl = access().acl.filter(({ ugid }) => !ugid.startsWith('quorum@pve'))
    for (const line of privilegeScript(catalogue)) await shell.run(line)
    const { tokens } = access().users.get('quorum@pve')!
    tokens.get('act')!.secret = secret
    tokens.get('read')!.secret = sim.readToken.secret
    const checks = await examine({ act: { id: 'quorum@pve!act', secret } })
    expect(checks.filter(({ area, verdict }) => area !== 'house' && verdict === 'fail')).toEqual([])
    expect(of(checks, 'Reading token').verdict).toBe('pass')
  })
})
