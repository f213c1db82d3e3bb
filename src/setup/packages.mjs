import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, root, step } from './children.mjs'
import { Fault } from './fault.mjs'
import { findProgram } from './programs.mjs'

const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'))

/**
 * Whether node_modules holds what package-lock.json asks for, on this platform. npm's own note of what it installed is
 * compared, so that an `npm ci` by hand counts, and a pruned, half-installed or copied node_modules does not.
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

/**
 * Installs exactly what package-lock.json names, when it is not there. Without `--ignore-scripts` an optional accelerator of BullMQ would look for a compiler; its ready-made build does not.
 */
export async function installPackages() {
  if (packagesAreInstalled()) return
  console.log('Installing packages (npm) …')
  const cli = process.env.npm_execpath ?? ''
  const npm = cli.endsWith('npm-cli.js') ? [process.execPath, cli] : [findProgram(['npm'])]
  if (npm[0] === undefined) throw new Fault('npm is missing: it comes with Node from https://nodejs.org.')
  const flags = ['--include=dev', '--include=optional', '--ignore-scripts', '--no-audit', '--no-fund']
  const { ok, output } = await step(npm[0], [...npm.slice(1), 'ci', ...flags, '--no-progress'])
  if (!ok) throw new Fault(`npm could not install the packages:\n${npmErrors(output)}`)
}

/** The lines in which npm names the cause, before those about its usage and its log; else what it said last. */
function npmErrors(output) {
  const errors = output.split('\n').filter((line) => /^npm (error|ERR!) \S/.test(line))
  return errors.slice(0, 12).join('\n') || lastLines(output, 12)
}
