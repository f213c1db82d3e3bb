import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const load = async <T>(path: string): Promise<T> => await import(join(root, path))

/** A small house with the real set-up, the real compiler and a command of its own; npm is not let near it. */
let house: string
const write = (path: string, content: string) => {
  mkdirSync(dirname(join(house, path)), { recursive: true })
  writeFileSync(join(house, path), content)
}

const cli = `
import { spawn } from 'node:child_process'

const [name, action, code] = process.argv.slice(2)
if (action === 'exit') process.exit(Number(code))
spawn('sh', ['-c', 'trap "" INT TERM; while :; do sleep 60; done'], { stdio: 'inherit' })
process.on('SIGINT', () => process.exit(42))
process.on('SIGTERM', () => process.exit(43))
console.log(\`\${name} runs with Redis \${process.env.REDIS_URL ?? 'private'}\`)
`

beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'quorum-house-'))
  for (const path of ['src/setup.mjs', 'src/setup', 'tsconfig.json', 'package.json', 'package-lock.json']) {
    cpSync(join(root, path), join(house, path), { recursive: true })
  }
  mkdirSync(join(house, 'node_modules'))
  for (const path of ['.package-lock.json', 'typescript', '@typescript', '@types', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', path), join(house, 'node_modules', path))
  }
  write('npm-cli.js', `console.log('npm is called with', ...process.argv.slice(2)); process.exit(9)`)
  write('src/cli.ts', cli)
  write('src/page/style.css', 'body { color: black }')
})

afterAll(() => rmSync(house, { recursive: true, force: true }))

function setUp(args: string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, ['src/setup.mjs', ...args], {
    cwd: house,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, npm_execpath: join(house, 'npm-cli.js'), ...env },
  })
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = setUp(args)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, out, err }
}

describe('what cannot run says so in one sentence', () => {
  test.each(['18.20.4', '20.18.3', '21.7.3', '22.11.0', '23.11.0'])('Node %s', async (version) => {
    const { nodeFault } = await load<{ nodeFault(version: string): string | undefined }>('src/setup/fault.mjs')
    expect(nodeFault(version)).toMatch(/^Quorum needs Node 20\.19 or newer .* and this is [\d.]+: install [^\n]*\.$/)
  })

  test.each(['20.19.0', '20.20.2', '22.12.0', '24.0.0', '26.1.0'])('but not Node %s', async (version) => {
    const { nodeFault } = await load<{ nodeFault(version: string): string | undefined }>('src/setup/fault.mjs')
    expect(nodeFault(version)).toBeUndefined()
  })

  test.each([[['labb']], [[]], [['toString']]])('the command %j', async (args) => {
    const { code, out, err } = await run(...args)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe(`Unknown command "${args[0] ?? ''}": use one of lab, test, bench, build.\n`)
  })
})

describe('the build', () => {
  test('is made once, and again when a source changes, comes or goes', async () => {
    expect((await run('build')).out).toBe('Building (tsc) …\n')
    expect(await run('build')).toEqual({ code: 0, out: '', err: '' })
    write('src/more.ts', 'export const more = 1\n')
    expect((await run('build')).out).toBe('Building (tsc) …\n')
    expect(existsSync(join(house, 'dist/src/more.js'))).toBe(true)
    rmSync(join(house, 'src/more.ts'))
    expect((await run('build')).out).toBe('Building (tsc) …\n')
    expect(existsSync(join(house, 'dist/src/more.js'))).toBe(false)
    expect(await run('build')).toEqual({ code: 0, out: '', err: '' })
  })

  test('brings back what is gone from dist, and what lies beside the TypeScript', async () => {
    await run('build')
    rmSync(join(house, 'dist/src/cli.js'))
    rmSync(join(house, 'dist/src/page/style.css'))
    expect((await run('build')).code).toBe(0)
    expect(existsSync(join(house, 'dist/src/cli.js'))).toBe(true)
    expect(readFileSync(join(house, 'dist/src/page/style.css'), 'utf8')).toBe('body { color: black }')
    expect(existsSync(join(house, 'dist/src/setup.mjs'))).toBe(false)
  })

  test('stops at a wrong type, every time, until it is put right', async () => {
    write('src/wrong.ts', `export const wrong: number = 'one'\n`)
    for (const _ of [1, 2]) {
      const { code, out, err } = await run('lab', 'exit', '0')
      expect(code).toBe(1)
      expect(out).toContain('src/wrong.ts')
      expect(err).toBe('The build failed: see what tsc says above.\n')
    }
    rmSync(join(house, 'src/wrong.ts'))
    expect((await run('lab', 'exit', '0')).code).toBe(0)
  })
})

describe('the packages', () => {
  const lock = () => JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))

  afterEach(() => cpSync(join(root, 'package-lock.json'), join(house, 'package-lock.json')))

  test('are installed when package-lock.json asks for another one; npm that fails is quoted', async () => {
    const wanted = lock()
    wanted.packages['node_modules/zod'].version = '0.0.1'
    write('package-lock.json', JSON.stringify(wanted))
    const { code, out, err } = await run('build')
    expect({ code, out }).toEqual({ code: 1, out: 'Installing packages (npm) …\n' })
    expect(err).toContain('npm could not install the packages:\nnpm is called with ci --include=dev')
  })

  test('of other platforms may be missing', async () => {
    const wanted = lock()
    wanted.packages['node_modules/@other/native'] = { version: '1.0.0', optional: true, os: ['plan9'], cpu: ['pdp11'] }
    write('package-lock.json', JSON.stringify(wanted))
    expect((await run('build')).out).not.toContain('Installing')
  })
})

describe('the command', () => {
  /** `closed`: nobody holds the output any more, neither the command nor what it started. */
  async function running(env: Record<string, string> = {}) {
    const child = setUp(['lab'], env)
    const closed = once(child, 'close')
    let said = ''
    for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      said += chunk
      if (said.includes('lab runs')) break
    }
    child.stdout.resume()
    return { child, closed, said }
  }

  test('gets the arguments, and its exit code is ours', async () => {
    expect((await run('lab', 'exit', '5')).code).toBe(5)
  })

  test.each([
    ['SIGINT', 42],
    ['SIGTERM', 43],
    ['SIGHUP', 43],
  ] as const)('is told of %s, and nothing that it left behind stays', async (signal, code) => {
    const { child, closed } = await running()
    child.kill(signal)
    expect(await closed).toEqual([code, null])
  })

  test('gets the Redis that is named', async () => {
    const { child, closed, said } = await running({ REDIS_URL: 'redis://127.0.0.1:1' })
    child.kill('SIGTERM')
    await closed
    expect(said).toContain('lab runs with Redis redis://127.0.0.1:1')
  })

  test('gets one Ctrl-C once, though the terminal and npm both pass it on', async () => {
    const { newPresses } = await load<{ newPresses(now: () => number): (signal: string) => boolean }>(
      'src/setup/children.mjs',
    )
    let now = 1000
    const isNew = newPresses(() => now)
    expect(isNew('SIGINT')).toBe(true)
    now += 20
    expect(isNew('SIGINT')).toBe(false)
    expect(isNew('SIGTERM')).toBe(true)
    now += 900
    expect(isNew('SIGINT')).toBe(true)
  })
})

test('a program is found on PATH, and only when it can be run', async () => {
  const { findProgram } = await load<{ findProgram(names: string[], path?: string): string | undefined }>(
    'src/setup/programs.mjs',
  )
  write('bin/quorum-no-such-thing', '')
  expect(findProgram(['quorum-no-such-thing'], join(house, 'bin'))).toBeUndefined()
  write('bin/quorum-some-thing', '#!/bin/sh\n')
  expect(findProgram(['sh', 'quorum-some-thing'], '')).toMatch(/\/sh$/)
})
