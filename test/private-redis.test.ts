import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseRedisUrl } from '../src/config/redis-url.ts'
import { type PrivateRedis, startPrivateRedis } from '../src/jobs/private-redis.ts'

let dir: string
let started: PrivateRedis[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quorum-test-'))
  started = []
})

afterEach(async () => {
  for (const redis of started) await redis.stop()
  rmSync(dir, { recursive: true, force: true })
})

async function start(options: Partial<Parameters<typeof startPrivateRedis>[0]> = {}): Promise<PrivateRedis> {
  const redis = await startPrivateRedis({ dir, ...options })
  started.push(redis)
  return redis
}

async function ask<T>(socketPath: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ path: socketPath })
  try {
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}

/** Command lines, server and guard, that name our folder. Small Linux images have no ps, and macOS has no /proc. */
function processesNaming(text: string): string[] {
  const all = existsSync('/proc/self/cmdline')
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(commandLine)
    : execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n')
  return all.filter((line) => line.includes(text))
}

function commandLine(pid: string): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`
  } catch {
    return '' // it ended while we looked
  }
}

const untilNone = (text: string) => vi.waitFor(() => expect(processesNaming(text)).toEqual([]), { timeout: 15_000 })

describe('a private Redis', () => {
  test('has a socket in a folder of its own and no TCP port', async () => {
    const { url, socketPath, pid } = await start()
    expect(parseRedisUrl(url)).toMatchObject({ kind: 'unix', path: socketPath })
    expect(statSync(dirname(socketPath)).mode & 0o777).toBe(0o700)
    expect(statSync(socketPath).mode & 0o777).toBe(0o700)
    const info = await ask(socketPath, (redis) => redis.info('server'))
    expect(info).toContain('tcp_port:0')
    expect(info).toContain(`process_id:${pid}`)
  })

  test('keeps what BullMQ needs to be kept', async () => {
    const { socketPath } = await start()
    const settings = await ask(socketPath, (redis) =>
      Promise.all(['appendonly', 'appendfsync', 'maxmemory-policy', 'save'].map((name) => redis.config('GET', name))),
    )
    expect(settings.flat()).toEqual([
      ...['appendonly', 'yes', 'appendfsync', 'everysec'],
      ...['maxmemory-policy', 'noeviction', 'save', ''],
    ])
  })

  test('has its data again after SIGKILL and a restart, at the same address', async () => {
    const redis = await start()
    const { socketPath, pid } = redis
    await ask(socketPath, (client) => client.set('guest', '100'))
    await redis.kill9()
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    await redis.restart()
    expect(redis.pid).not.toBe(pid)
    expect(redis.socketPath).toBe(socketPath)
    expect(await ask(socketPath, (client) => client.get('guest'))).toBe('100')
  })

  test('has its data again in the next run, unless it was a test', async () => {
    const first = await start()
    await ask(first.socketPath, (client) => client.set('guest', '100'))
    await first.stop()
    const second = await start({ kind: 'test' })
    expect(await ask(second.socketPath, (client) => client.get('guest'))).toBe('100')
    await second.stop()
    expect(existsSync(join(dir, 'redis'))).toBe(false)
  })

  test('leaves no process after stop, which may be said twice', async () => {
    const redis = await start()
    expect(processesNaming(dir).length).toBeGreaterThanOrEqual(2)
    await redis.stop()
    await untilNone(dir)
    await redis.stop()
  })

  test('refuses a second user of its folder and goes on serving the first', async () => {
    const { socketPath } = await start()
    await expect(start()).rejects.toThrow(`Another Quorum (process ${process.pid}) already runs with ${dir}`)
    expect(await ask(socketPath, (redis) => redis.ping())).toBe('PONG')
  })

  test('puts its socket elsewhere when the path would be too long for one', async () => {
    const deep = join(dir, 'd'.repeat(100))
    const redis = await start({ dir: deep })
    expect(Buffer.byteLength(redis.socketPath)).toBeLessThan(100)
    expect(statSync(dirname(redis.socketPath)).mode & 0o777).toBe(0o700)
    await expect(start({ dir: deep })).rejects.toThrow('already runs with')
    await redis.stop()
    expect(existsSync(dirname(redis.socketPath))).toBe(false)
  })

  test('says what the server said when it does not start, and lets go of the folder', async () => {
    const binary = join(dir, 'redis-server')
    writeFileSync(binary, '#!/bin/sh\necho "out of luck"\nexit 3\n')
    chmodSync(binary, 0o755)
    await expect(start({ binary })).rejects.toThrow(/ended with code 3.*out of luck/s)
    await start()
  })

  test('says what to install when there is no server', async () => {
    await expect(start({ binary: join(dir, 'absent') })).rejects.toThrow('install one, or set REDIS_URL')
  })
})

describe('the process that started it', () => {
  const built = new URL('../dist/src/jobs/private-redis.js', import.meta.url).href

  /** A process of its own, which needs the built file: Node 20 runs no TypeScript. */
  async function parent(then: string): Promise<{ child: ChildProcess; pid: number }> {
    const code = `
      import { startPrivateRedis } from ${JSON.stringify(built)}
      const redis = await startPrivateRedis({ dir: ${JSON.stringify(dir)} })
      console.log(redis.pid)
      ${then}`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pid] = await once(createInterface({ input: child.stdout }), 'line')
    return { child, pid: Number(pid) }
  }

  const stayForever = 'setInterval(() => {}, 60_000)'
  const named = () => `${dir}/redis`

  test('takes it along when it is killed, and the next one finds the data', async () => {
    const { child } = await parent(stayForever)
    await ask(join(dir, 'redis/redis.sock'), (redis) => redis.set('guest', '100'))
    child.kill('SIGKILL')
    await once(child, 'exit')
    const next = await start()
    expect(await ask(next.socketPath, (redis) => redis.get('guest'))).toBe('100')
    await next.stop()
    await untilNone(named())
  })

  test('takes it along when both are killed at once', async () => {
    const { child, pid } = await parent(stayForever)
    process.kill(pid, 'SIGKILL')
    child.kill('SIGKILL')
    await untilNone(named())
  })

  test('may end without a word, and is not kept alive', async () => {
    const { child } = await parent('')
    expect(await once(child, 'exit')).toEqual([0, null])
    await untilNone(named())
  })
})
