import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, root, step } from './children.mjs'
import { Fault } from './fault.mjs'
import { findProgram } from './programs.mjs'

const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'))

/**
 * Whether node_modules holds what package-lock.json asks for, on this platform. npm's own note of what it installed is
 * compared, so that a `npm ci` by hand counts, and a pruned, half-installed or copied node_modules does not.
 */
function packagesAreInstalled() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false
  const wanted = readJson('package-lock.json').packages
  const installed = readJson('node_modules/.package-lock.json').packages
  const fits = ([path, { version, optional, devOptional }]) =>
    installed[path] ? installed[path].version === version : path === '' || optional || devOptional
  const isNative = ({ os, cpu }) => os?.includes(process.platform) && cpu?.includes(process.arch)
  return Object.entries(wanted).every(fits) && Object.values(installed).some(isNative)
}

/** `npm ci`, when it is needed. */
export async function installPackages() {
  if (packagesAreInstalled()) return
  console.log('Installing packages (npm ci) …')
  const cli = process.env.npm_execpath ?? ''
  const npm = cli.endsWith('npm-cli.js') ? [process.execPath, cli] : [findProgram(['npm'])]
  if (npm[0] === undefined) throw new Fault('npm is missing: it comes with Node from https://nodejs.org.')
  // No install scripts: only an optional accelerator of BullMQ has one, whose ready-made build loads without it.
  const flags = ['--include=dev', '--include=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress']
  const { ok, output } = await step(npm[0], [...npm.slice(1), 'ci', ...flags])
  if (!ok) throw new Fault(`npm ci could not install the packages; its last lines:\n${lastLines(output, 15)}`)
}
