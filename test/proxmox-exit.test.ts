import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Authority, createAuthority, deadAddress, startNode, type TestNode } from './proxmox-server.ts'

const run = promisify(execFile)
const root = new URL('..', import.meta.url).pathname

/** A process of its own that makes one call, prints how it ended, and is then left to itself. */
const script = `
import { createProxmox } from './out/src/proxmox/client.js'
const [url, fingerprint, timeoutMs] = process.argv.slice(2)
const client = createProxmox({
  cluster: 'main',
  endpoints: [url],
  auth: { token: { id: 'quorum@pve!bot', secret: 'x' } },
  tls: { fingerprints: [fingerprint] },
})
const ended = await client.version({ timeoutMs: Number(timeoutMs) }).then(() => 'answered', (error) => error.constructor.name)
const endedAt = performance.now()
process.on('exit', () => console.log(JSON.stringify({ ended, lingeredMs: performance.now() - endedAt })))
`

let folder: string
let authority: Authority
let pve: TestNode
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'proxmox-exit-'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await writeFile(join(folder, 'call.js'), script)
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { rootDir: root, outDir: 'out', noCheck: true, incremental: false, tsBuildInfoFile: null },
      include: [],
      files: [join(root, 'src/proxmox/client.ts')],
    }),
  )
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
  authority = await createAuthority()
  pve = await startNode(authority)
})
afterAll(async () => {
  await pve.close()
  await rm(folder, { recursive: true })
})

async function callAlone(url: string, fingerprint: string, timeoutMs: number) {
  const { stdout } = await run(process.execPath, [join(folder, 'call.js'), url, fingerprint, String(timeoutMs)])
  return JSON.parse(stdout) as { ended: string; lingeredMs: number }
}

test.each<[string, () => Promise<[url: string, fingerprint: string, timeoutMs: number]>]>([
  ['Unreachable', async () => [await deadAddress(authority), pve.fingerprint, 10_000]],
  ['CertificateMismatch', async () => [pve.url, `${'AB:'.repeat(31)}AB`, 10_000]],
  ['BadReply', async () => [pve.url, pve.fingerprint, 10_000]],
])('a process ends at once after %s', async (name, where) => {
  const { ended, lingeredMs } = await callAlone(...(await where()))
  expect(ended).toBe(name)
  expect(lingeredMs).toBeLessThan(2_900)
})

test('a process ends at once when an answer or a connection never comes', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  pve.answer(() => {})
  for (const url of [pve.url, `https://127.0.0.1:${(silent.address() as AddressInfo).port}`]) {
    const { ended, lingeredMs } = await callAlone(url, pve.fingerprint, 300)
    expect(ended).toBe('Unreachable')
    expect(lingeredMs).toBeLessThan(2_900)
  }
  for (const socket of sockets) socket.destroy()
  silent.close()
})
