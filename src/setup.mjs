/**
 * `node src/setup.mjs lab|test|bench|build [args…]`: brings a machine that has only Node to the point where the command
 * runs, then hands over to it. Plain JavaScript without dependencies, since it runs before `npm ci` and before `tsc`.
 * What is in place already is only looked at, so a second start costs milliseconds. Exits with the command's own code.
 */
import { build } from './setup/build.mjs'
import { handOver } from './setup/children.mjs'
import { Fault, nodeFault } from './setup/fault.mjs'
import { installPackages } from './setup/packages.mjs'
import { ensureProgram } from './setup/programs.mjs'

const commands = {
  lab: { needs: ['redis'], run: ['dist/src/cli.js', 'lab'] },
  test: {
    needs: ['redis', 'chromium'],
    run: ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts'],
  },
  bench: { needs: ['redis'], run: ['dist/test/bench/run.js'] },
  build: { needs: [], run: undefined },
}

async function main([name, ...args]) {
  const fault = nodeFault(process.versions.node)
  if (fault) throw new Fault(fault)
  if (process.platform === 'win32') throw new Fault('Quorum runs on Linux and macOS: on Windows use WSL.')
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined
  if (!command) throw new Fault(`Unknown command "${name ?? ''}": use one of ${Object.keys(commands).join(', ')}.`)
  const env = { ...process.env }
  if (name === 'test') delete env.REDIS_URL // the tests always use their own Redis
  const needs = name === 'lab' && env.REDIS_URL ? [] : command.needs
  for (const program of needs) await ensureProgram(program)
  await installPackages()
  await build()
  return command.run ? await handOver([...command.run, ...args], env) : 0
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    console.error(error instanceof Fault ? error.message : error)
    process.exitCode = 1
  },
)
