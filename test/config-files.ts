import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, ConfigFaults, loadConfig, type ProcessRole } from '../src/config.ts'

/** Configuration files for the tests, in a folder that goes with the process: several test files share it. */
export const folder = mkdtempSync(join(tmpdir(), 'quorum-config-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

export const example = new URL('../examples/quorum.yaml', import.meta.url).pathname
export const secrets = {
  PVE_READ_SECRET: 's3cret-read',
  PVE_ACT_SECRET: 's3cret-act',
  PVE_ACCESS_SECRET: 's3cret-access',
  PVE_ROOT_PASSWORD: 's3cret-root',
  PVE3_ROOT_PASSWORD: 's3cret-pve3',
  SLACK_BOT_TOKEN: 'xoxb-s3cret',
  SLACK_APP_TOKEN: 'xapp-s3cret',
  SLACK_SIGNING_SECRET: 's3cret-signing',
  DISCORD_TOKEN: 's3cret-discord',
  PAGER_KEY: 's3cret-pager',
  PROXMOX_HOOK_SECRET: 's3cret-hook',
  HEARTBEAT_URL: 'https://hc.example/s3cret-heartbeat',
  PVE2_POWER_WEBHOOK: 'https://plug.example/s3cret-plug',
}
export const roles: ProcessRole[] = ['bot', 'worker', 'root-worker', 'lab', 'tool']

let files = 0
export function fileOf(text: string): string {
  const path = join(folder, `${files++}.yaml`)
  writeFileSync(path, text)
  return path
}

export function load(text: string, role: ProcessRole = 'bot', env: Record<string, string> = {}): Config {
  return loadConfig({ path: fileOf(text), role, env })
}

export function refusal(act: () => unknown): ConfigFaults {
  try {
    act()
  } catch (error) {
    if (error instanceof ConfigFaults) return error
    throw error
  }
  throw new Error('nothing was refused')
}

export const faultsOf = (text: string, role: ProcessRole = 'bot', env: Record<string, string> = {}) =>
  refusal(() => load(text, role, env)).faults

/** A whole file from the part that a test is about. */
export const withCluster = (rest: string): string =>
  `clusters: [{ name: main, endpoints: [https://10.0.0.1:8006], token: { id: q@pve!bot, secret: s3cret } }]\n${rest}`
export const clusterWith = (rest: string): string =>
  `clusters:\n  - name: main\n    endpoints: [https://10.0.0.1]\n    token: { id: q@pve!bot, secret: s3cret }\n    ${rest}\n`
