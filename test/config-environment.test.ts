import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { loadKey, parseRedisUrl, readEnvironment } from '../src/config.ts'
import { Secret } from '../src/core/secret.ts'
import { folder, refusal } from './config-files.ts'

describe('the environment', () => {
  test('has a default for what must be there', () => {
    expect(readEnvironment({})).toEqual({ dataDir: resolve('.quorum'), logLevel: 'info', color: true })
  })

  test('is read whole', () => {
    const environment = readEnvironment({
      QUORUM_CONFIG: '/etc/quorum.yaml',
      REDIS_URL: 'redis://r',
      QUORUM_DATA: '/var/lib/quorum',
      QUORUM_KEY: 'ab'.repeat(32),
      LOG_LEVEL: 'DEBUG',
      NO_COLOR: '1',
      PORT: '5000',
      QUORUM_LAB_CONTROL: 'http://127.0.0.1:9',
    })
    expect(environment).toEqual({
      configPath: '/etc/quorum.yaml',
      redis: { kind: 'tcp', host: 'r', port: 6379, tls: false, db: 0 },
      dataDir: '/var/lib/quorum',
      logLevel: 'debug',
      color: false,
      port: 5000,
      labControl: 'http://127.0.0.1:9',
    })
  })

  test('an empty variable is an unset one', () => {
    const names = ['QUORUM_CONFIG', 'REDIS_URL', 'QUORUM_DATA', 'QUORUM_KEY', 'LOG_LEVEL', 'NO_COLOR', 'PORT']
    expect(readEnvironment(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(readEnvironment({}))
  })

  test('all its faults come at once, each with a next step, none with the value', () => {
    const wrong = {
      REDIS_URL: 'http://u:s3cret@h',
      LOG_LEVEL: 'inf0',
      PORT: '70000',
      QUORUM_KEY: 's3cret',
      QUORUM_LAB_CONTROL: 'http://10.0.0.1/s3cret',
    }
    const error = refusal(() => readEnvironment(wrong))
    expect(error.faults.map(({ path }) => path).toSorted()).toEqual(Object.keys(wrong).toSorted())
    expect(error.faults.every(({ hint, line }) => hint.length > 8 && line === 0)).toBe(true)
    expect(error.message).toContain('Did you mean info?')
    expect(`${error.message}${inspect(error)}`).not.toContain('s3cret')
  })
})

describe('where Redis is', () => {
  test.each([
    ['redis://h', { kind: 'tcp', host: 'h', port: 6379, tls: false, db: 0 }],
    ['redis://h:1/2', { kind: 'tcp', host: 'h', port: 1, tls: false, db: 2 }],
    ['rediss://h:6380', { kind: 'tcp', host: 'h', port: 6380, tls: true, db: 0 }],
    ['redis://[fd00::1]', { kind: 'tcp', host: 'fd00::1', port: 6379, tls: false, db: 0 }],
    ['redis://[::1]:7?db=3', { kind: 'tcp', host: '::1', port: 7, tls: false, db: 3 }],
    ['unix:///run/redis.sock', { kind: 'unix', path: '/run/redis.sock', tls: false, db: 0 }],
    ['unix:///run/a%20b.sock?db=1', { kind: 'unix', path: '/run/a b.sock', tls: false, db: 1 }],
    [
      'redis+sentinel://h1:26379,h2:26380/master',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 'h1', port: 26_379 },
          { host: 'h2', port: 26_380 },
        ],
        master: 'master',
        tls: false,
        db: 0,
      },
    ],
    [
      'rediss+sentinel://h1,[::1]:2/mymaster/4',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 'h1', port: 26_379 },
          { host: '::1', port: 2 },
        ],
        master: 'mymaster',
        tls: true,
        db: 4,
      },
    ],
  ])('%s', (url, address) => {
    expect(parseRedisUrl(url)).toEqual(address)
  })

  test.each([
    ['redis://:p%40ss:w@h', undefined, 'p@ss:w'],
    ['rediss://ana:p@h:1', 'ana', 'p'],
    ['redis://h', undefined, undefined],
    ['unix://:p@/run/redis.sock', undefined, 'p'],
    ['redis+sentinel://ana:p@h1,h2/m', 'ana', 'p'],
  ])('logs in by %s', (url, username, password) => {
    const address = parseRedisUrl(url)
    expect([address.username, address.password?.reveal()]).toEqual([username, password])
    expect(inspect(address)).not.toContain("'p")
  })

  test('the sentinels may have a password of their own', () => {
    const address = parseRedisUrl('redis+sentinel://:a@h/m?sentinelPassword=b')
    expect(address.kind === 'sentinel' && address.sentinelPassword?.reveal()).toBe('b')
  })

  test.each([
    ['localhost:6379', /not a Redis URL/],
    ['http://h', /not a Redis URL/],
    ['redis://', /no host/],
    ['redis://h:0', /wrong port/],
    ['redis://h:99999', /wrong port/],
    ['redis://h/one', /database/],
    ['redis://:%zz@h', /encodes nothing/],
    ['redis://:a%0Ab@h', /control character/],
    ['redis+sentinel://h1,h2', /does not name the master/],
    ['redis+sentinel://h1,/m', /no host/],
    ['unix://run/redis.sock', /absolute path/],
    ['unix:///', /absolute path/],
  ])('%s is refused', (url, says) => {
    const [fault] = refusal(() => parseRedisUrl(url)).faults
    expect(fault?.says).toMatch(says)
    expect(fault?.hint).toMatch(/^W/)
  })
})

describe('the key', () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 8))
  let folders = 0
  const fresh = () => join(folder, `data-${folders++}`, 'deep')

  test.each(['hex', 'base64', 'base64url'] as const)('is taken as %s', (encoding) => {
    const dataDir = fresh()
    expect(loadKey({ env: { QUORUM_KEY: bytes.toString(encoding) }, dataDir })).toEqual(bytes)
    expect(() => statSync(dataDir)).toThrow()
  })

  test.each(['ab'.repeat(31), 'ab'.repeat(33), bytes.subarray(1).toString('base64'), 'hunter2'])(
    '%s is refused',
    (key) => {
      const error = refusal(() => loadKey({ env: { QUORUM_KEY: key }, dataDir: fresh() }))
      expect(error.faults[0]?.hint).toContain('openssl rand -hex 32')
      expect(error.message).not.toContain(key)
    },
  )

  test('is made once, for this user alone, and found again', () => {
    const dataDir = fresh()
    const key = loadKey({ env: {}, dataDir })
    expect(key).toHaveLength(32)
    expect(loadKey({ env: {}, dataDir })).toEqual(key)
    expect(statSync(join(dataDir, 'key')).mode & 0o777).toBe(0o600)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(readdirSync(dataDir)).toEqual(['key'])
  })

  test('is the same for processes that start together', async () => {
    const dataDirs = Array.from({ length: 20 }, fresh)
    const children = await Promise.all(Array.from({ length: 3 }, () => ready(fork(asker()))))
    const answers = await Promise.all(children.map((child) => keysFrom(child, dataDirs)))
    expect(answers[0]).toHaveLength(20)
    expect(new Set(answers[0]).size).toBe(20)
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
    for (const dataDir of dataDirs) expect(readdirSync(dataDir)).toEqual(['key'])
  })

  /** A program that answers the keys of the folders it is sent: our own source, compiled for a plain Node. */
  function asker(): string {
    const built = join(folder, 'built')
    const script = join(built, 'ask.mjs')
    if (existsSync(script)) return script
    const root = new URL('..', import.meta.url).pathname
    const options =
      '--ignoreConfig --noCheck --module nodenext --target es2023 --rewriteRelativeImportExtensions --types node'
    const args = [...options.split(' '), '--rootDir', join(root, 'src'), '--outDir', built, 'src/config/key.ts']
    execFileSync(join(root, 'node_modules/.bin/tsc'), args, { cwd: root })
    writeFileSync(join(built, 'package.json'), '{ "type": "module" }')
    writeFileSync(
      script,
      `import { loadKey } from './config/key.js'
process.once('message', (dirs) => {
  process.send(dirs.map((dataDir) => loadKey({ env: {}, dataDir }).toString('hex')), () => process.disconnect())
})
process.send('ready')`,
    )
    return script
  }

  const message = (child: ChildProcess) =>
    new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve).once('error', reject)
      child.once('exit', (code) => reject(new Error(`the process ended with ${code}`)))
    })

  async function ready(child: ChildProcess): Promise<ChildProcess> {
    await message(child)
    return child
  }

  async function keysFrom(child: ChildProcess, dataDirs: string[]): Promise<string[]> {
    const answer = message(child)
    child.send(dataDirs)
    return (await answer) as string[]
  }

  test.each([
    ['half a key', 'abcd\n'],
    ['nothing', ''],
  ])('a file that holds %s is refused, never replaced', (_, text) => {
    const dataDir = fresh()
    loadKey({ env: {}, dataDir })
    writeFileSync(join(dataDir, 'key'), text)
    expect(refusal(() => loadKey({ env: {}, dataDir })).faults[0]?.hint).toContain('backup')
    expect(readFileSync(join(dataDir, 'key'), 'utf8')).toBe(text)
  })

  test('a file that others may read is refused', () => {
    const dataDir = fresh()
    loadKey({ env: {}, dataDir })
    chmodSync(join(dataDir, 'key'), 0o644)
    expect(refusal(() => loadKey({ env: {}, dataDir })).faults[0]?.hint).toBe(`Run: chmod 600 ${join(dataDir, 'key')}`)
  })

  test('a folder that cannot be made is a fault with the next step', () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    const [fault] = refusal(() => loadKey({ env: {}, dataDir: join(file, 'data') })).faults
    expect(fault?.hint).toContain('QUORUM_DATA')
  })
})

describe('the box', () => {
  const box = new Secret('hunter2')

  test('shows nothing of what it holds', () => {
    const printed = [
      String(box),
      `${box}`,
      JSON.stringify({ box }),
      inspect(box, { showHidden: true }),
      inspect([{ box }]),
    ]
    expect(printed.join()).not.toContain('hunter2')
    expect(printed.every((text) => text.includes('[secret]'))).toBe(true)
    expect(box.reveal()).toBe('hunter2')
    expect(Secret.of(box)).toBe(box)
    expect(Secret.of('x').reveal()).toBe('x')
  })

  test.each(['', 'a\nb', 'a\0'])('does not take %j', (text) => {
    expect(() => new Secret(text)).toThrow(TypeError)
  })
})
