import { spawnSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { lastLines, step } from './children.mjs'
import { Fault } from './fault.mjs'

/** Programs that npm cannot bring. `packages`: their names for each package manager, the likeliest first. */
const programs = {
  redis: {
    names: ['redis-server', 'valkey-server'],
    otherwise: 'redis-server (or valkey-server)',
    packages: {
      'apt-get': ['redis-server', 'valkey-server'],
      dnf: ['valkey', 'redis'],
      apk: ['redis', 'valkey'],
      pacman: ['valkey', 'redis'],
      brew: ['redis', 'valkey'],
    },
  },
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    otherwise: 'chromium, which the tests of the page drive',
    packages: {
      'apt-get': ['chromium'],
      dnf: ['chromium'],
      apk: ['chromium'],
      pacman: ['chromium'],
      brew: ['--cask chromium'],
    },
  },
}

const managers = {
  'apt-get': { refresh: 'update -qq', install: 'install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120' },
  dnf: { install: 'install -y -q' },
  apk: { install: 'add --no-cache -q' },
  pacman: { install: '-Sy --noconfirm --needed' },
  brew: { install: 'install -q', asRoot: false },
}

const alsoLookIn = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin']

/** Path of the first of the programs that this machine has, on PATH or where packages put servers. */
export function findProgram(names, path = process.env.PATH ?? '') {
  const folders = [...path.split(delimiter).filter(Boolean), ...alsoLookIn]
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** How to become root without being asked for a password: nothing to add, sudo, or undefined for not at all. */
function asRoot(manager) {
  if (process.getuid() === 0) return managers[manager].asRoot === false ? undefined : []
  if (managers[manager].asRoot === false) return []
  const sudo = findProgram(['sudo'])
  return sudo && spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? [sudo, '-n'] : undefined
}

/** Installs one of `programs` through the system's package manager when it is missing and no password is wanted. */
export async function ensureProgram(name) {
  const { names, otherwise, packages } = programs[name]
  if (findProgram(names)) return
  const manager = Object.keys(managers).find((candidate) => findProgram([candidate]))
  const prefix = manager && asRoot(manager)
  const verb = manager && `${manager === 'brew' ? '' : 'sudo '}${manager} ${managers[manager].install.split(' ')[0]}`
  const hint = manager ? `, for example with "${verb} ${packages[manager][0]}"` : ''
  const missing = `This machine lacks ${otherwise}: install it${hint}, and run this again.`
  if (!prefix) throw new Fault(missing)
  console.log(`Installing ${packages[manager][0]} (${manager}) …`)
  const start = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', findProgram([manager])]
  const call = (words) => step(start[0], [...start.slice(1), ...words.split(' ')])
  let said = ''
  if (managers[manager].refresh) said = (await call(managers[manager].refresh)).output
  for (const candidate of packages[manager]) {
    said = (await call(`${managers[manager].install} ${candidate}`)).output || said
    if (findProgram(names)) return
  }
  throw new Fault(`${missing} ${manager} said:\n${lastLines(said, 5)}`)
}
