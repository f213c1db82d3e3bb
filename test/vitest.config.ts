import { join, relative } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const root = new URL('..', import.meta.url).pathname

/** Only the tests are compiled here: what they test is what `tsc` has built, loaded by Node itself as in production. */
const built: Plugin = {
  name: 'built',
  enforce: 'pre',
  resolveId(source, importer) {
    if (!source.endsWith('.ts') || !source.startsWith('.') || importer === undefined) return null
    const file = relative(root, join(importer, '..', source))
    if (!/^(?:src|commands|workers)\//.test(file)) return null
    return { id: join(root, 'dist', file.replace(/\.ts$/, '.js')), external: true }
  },
}

/** Chats: their SDKs keep state of the whole process, and their tests count what is left unhandled in it. */
const alone = [
  'test/{chat,stand-in,slack,discord}-*.test.ts',
  'test/{incidents-platforms,vm-create-everywhere,story-delete,oncall-story,drill-picture-story,proxmox-exit,doctor-platforms}.test.ts',
]

/** So that none of the long ones is left over for the end, when it would run by itself. The longest first. */
const long = [
  ...[
    'crash',
    'page',
    'drill-kinds',
    'blueprint-story',
    'secrets',
    'cluster-saga',
    'chat-slack-faults',
    'doctor',
    'lab',
  ],
  ...['jobs-processes', 'drill-crash', 'oncall-story', 'jobs-hosts', 'commands/workers', 'audit-story'],
  ...['incident-lab-story', 'vm-create-everywhere', 'chat-slack-carrier', 'web-sign-in', 'watch-recordings'],
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = long.indexOf(relative(join(root, 'test'), moduleId).replace('.test.ts', ''))
      return at < 0 ? long.length : at
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}

export default defineConfig({
  root,
  plugins: [built],
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    server: { deps: { external: [/\/dist\/(?:src|commands|workers)\//] } },
    pool: 'forks',
    // Most files wait for other processes more than they compute, also on two cores.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'house',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', ...alone],
          // Loading the SDKs anew for each file took longer than the tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
})
