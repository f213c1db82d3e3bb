import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasBrowser, startBrowser } from './browser.ts'
import { Chat, until } from './crew.ts'

let folder: string
let lab: ChildProcess
let url: string
let browser: Browser | undefined
const complaints: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorum-lab-'))
  const { REDIS_URL: _redis, QUORUM_CONFIG: _config, ...env } = process.env
  lab = spawn(process.execPath, ['dist/src/cli.js', 'lab', '--port', '0', '--speed', '5'], {
    env: { ...env, QUORUM_DATA: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  createInterface({ input: lab.stdout! }).on('line', (line) => lines.push(line))
  url = await until(() => lines.map((line) => /Open\s+(http:\S+)/.exec(line)?.[1]).find(Boolean), 'the lab to be ready')
  if (hasBrowser) browser = await startBrowser()
})

afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

const state = async () =>
  (await (await fetch(`${url}/api/lab`)).json()) as {
    guests: { vmid: number; name: string; node: string }[]
    quorate: boolean
  }

/** Processes that belong to the lab, by its data folder or its parent. */
const children = () =>
  execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ pid: Number(match[1]), ppid: Number(match[2]), args: match[3]! }))
    .filter(({ ppid, args }) => ppid === lab.pid || args.includes(folder))

async function open(): Promise<Page> {
  const page = await browser!.newPage({ viewport: { width: 1400, height: 900 }, locale: 'en-US' })
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(url)
  return page
}

async function type(page: Page, line: string): Promise<void> {
  const input = page.locator('[role=combobox]')
  await input.fill(line)
  await input.press('Enter')
}

test.skipIf(!hasBrowser)('a person types in the page and sees the machine appear in the cluster', async () => {
  const page = await open()
  await type(page, '/pve vm create name:web1 iso:debian-12.iso cores:2 memory:4G disk:32G')
  await page.getByRole('heading', { name: /Machine web1 \(\d+\) is on pve/ }).waitFor()
  const made = (await state()).guests.find(({ name }) => name === 'web1')
  expect(made?.vmid).toBeGreaterThanOrEqual(100)
  await page.getByText('web1', { exact: true }).first().waitFor()
  expect(complaints).toEqual([])
  await page.close()
})

test.skipIf(!hasBrowser)('in Spanish: missing arguments open a form, which makes the machine', async () => {
  const page = await open()
  await page.getByText('Español', { exact: true }).click()
  await type(page, 'vm create')
  const name = page.getByLabel(/^Nombre/)
  await name.fill('formulario')
  await page.getByRole('button', { name: 'Continuar' }).click()
  await page.getByRole('heading', { name: /La máquina formulario \(\d+\) está en pve/ }).waitFor()
  expect(complaints).toEqual([])
  await page.close()
})

test('the lab’s worker, killed -9, is started again and the job goes on', async () => {
  const chat = new Chat(url)
  await chat.say('operator', 'vm create phoenix disk:8G', 'crash')
  await chat.card(({ progress }) => progress !== undefined, 'the job to run', 'crash')
  const worker = children().find(({ args }) => args.includes('lab-worker'))
  process.kill(worker!.pid, 'SIGKILL')
  await chat.card(({ state }) => state === 'ok', 'the job to end', 'crash', 60_000)
  expect((await state()).guests.filter(({ name }) => name === 'phoenix')).toHaveLength(1)
})

test('SIGTERM leaves no process behind', async () => {
  const before = children().map(({ pid }) => pid)
  expect(before.length).toBeGreaterThanOrEqual(3)
  lab.kill('SIGTERM')
  const [code] = await once(lab, 'exit')
  expect(code).toBe(0)
  await until(() => children().length === 0, 'every process to be gone')
})
