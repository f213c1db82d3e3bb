import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../src/app.ts'
import { everyJob, type Need, needsOf, workersOf } from '../src/core/needs.ts'
import { BUILT_IN_ROLES } from '../src/lab/roles.ts'
import { loadSchema } from '../src/lab/schema/load.ts'

const catalogue = await loadCatalogue()
const schema = loadSchema('9.2')
const own = catalogue.entries.filter(({ path, file }) => path === file)

/** The calls behind the port, as the schema names them; what is not here asks for no privilege of its own. */
const calls: Record<string, string[]> = {
  clusterStatus: ['GET /cluster/status'],
  votes: ['GET /cluster/config/nodes'],
  joinInfo: ['GET /cluster/config/join'],
  addresses: ['GET /nodes/{node}/network'],
  hostsFile: ['GET /nodes/{node}/hosts'],
  nodeVersion: ['GET /nodes/{node}/version'],
  users: ['GET /access/users'],
  replicationPlans: ['GET /cluster/replication'],
  cephNodes: ['GET /cluster/ceph/metadata'],
  haStatus: ['GET /cluster/ha/status/current'],
  managerStatus: ['GET /cluster/ha/status/manager_status'],
  haResources: ['GET /cluster/ha/resources'],
  haRules: ['GET /cluster/ha/rules'],
  haGroups: ['GET /cluster/ha/groups'],
  clusterOptions: ['GET /cluster/options'],
  hostStatus: ['GET /nodes/{node}/status'],
  hostDisks: ['GET /nodes/{node}/disks/list'],
  hostNetwork: ['GET /nodes/{node}/network'],
  hostCards: ['GET /nodes/{node}/hardware/pci'],
  repositories: ['GET /nodes/{node}/apt/repositories'],
  subscription: ['GET /nodes/{node}/subscription'],
  updates: ['GET /nodes/{node}/apt/update'],
  corosyncNodes: ['GET /cluster/config/nodes'],
  wakeAddress: ['GET /nodes/{node}/config'],
  migrationCheck: ['GET /nodes/{node}/qemu/{vmid}/migrate'],
  hostPower: ['POST /nodes/{node}/status'],
  wakeHost: ['POST /nodes/{node}/wakeonlan'],
  refreshUpdates: ['POST /nodes/{node}/apt/update'],
  migrateGuest: ['POST /nodes/{node}/qemu/{vmid}/migrate'],
  createInterface: ['POST /nodes/{node}/network'],
  updateInterface: ['PUT /nodes/{node}/network/{iface}'],
  deleteInterface: ['DELETE /nodes/{node}/network/{iface}'],
  applyNetwork: ['PUT /nodes/{node}/network'],
  revertNetwork: ['DELETE /nodes/{node}/network'],
  createHaResource: ['POST /cluster/ha/resources'],
  updateHaResource: ['PUT /cluster/ha/resources/{sid}'],
  deleteHaResource: ['DELETE /cluster/ha/resources/{sid}'],
  createHaRule: ['POST /cluster/ha/rules'],
  updateHaRule: ['PUT /cluster/ha/rules/{rule}'],
  deleteHaRule: ['DELETE /cluster/ha/rules/{rule}'],
  createHaGroup: ['POST /cluster/ha/groups'],
  updateHaGroup: ['PUT /cluster/ha/groups/{group}'],
  deleteHaGroup: ['DELETE /cluster/ha/groups/{group}'],
  moveHaResource: ['POST /cluster/ha/resources/{sid}/migrate', 'POST /cluster/ha/resources/{sid}/relocate'],
  armHa: ['POST /cluster/ha/status/arm-ha'],
  disarmHa: ['POST /cluster/ha/status/disarm-ha'],
  updateClusterOptions: ['PUT /cluster/options'],
  storageConfig: ['GET /storage'],
  storageState: ['GET /nodes/{node}/storage/{storage}/status'],
  volumeGroups: ['GET /nodes/{node}/disks/lvm'],
  urlFacts: ['GET /nodes/{node}/query-url-metadata'],
  appliances: ['GET /nodes/{node}/aplinfo'],
  scanStorage: ['nfs', 'cifs', 'iscsi', 'lvm', 'lvmthin', 'zfs'].map((what) => `GET /nodes/{node}/scan/${what}`),
  createStorage: ['POST /storage'],
  deleteStorage: ['DELETE /storage/{storage}'],
  updateStorage: ['PUT /storage/{storage}'],
  zfsPool: ['GET /nodes/{node}/disks/zfs/{name}'],
  downloadUrl: ['POST /nodes/{node}/storage/{storage}/download-url'],
  downloadAppliance: ['POST /nodes/{node}/aplinfo'],
  storageContents: ['GET /nodes/{node}/storage/{storage}/content'],
  createRealm: ['POST /access/domains'],
  syncRealm: ['POST /access/domains/{realm}/sync'],
  guestConfig: ['GET /nodes/{node}/qemu/{vmid}/config'],
  guestState: ['GET /nodes/{node}/qemu/{vmid}/status/current'],
  nodeTime: ['GET /nodes/{node}/time'],
  createGuest: ['POST /nodes/{node}/qemu'],
  cloneGuest: ['POST /nodes/{node}/qemu/{vmid}/clone'],
  guestPower: ['start', 'stop', 'shutdown', 'reboot', 'reset', 'suspend', 'resume'].map(
    (action) => `POST /nodes/{node}/qemu/{vmid}/status/${action}`,
  ),
  deleteGuest: ['DELETE /nodes/{node}/qemu/{vmid}'],
  pendingChanges: ['GET /nodes/{node}/qemu/{vmid}/pending'],
  updateGuest: ['PUT /nodes/{node}/qemu/{vmid}/config'],
}

interface Asked {
  path: string
  /** One of these. */
  privileges: string[]
}

/** The privileges that a rule of the schema names, each with its path. */
function named(check: readonly unknown[]): Asked[] {
  const [kind, ...rest] = check
  if (kind === 'and') return rest.flatMap((part) => named(part as unknown[]))
  if (kind === 'or') {
    const ways = rest.map((part) => named(part as unknown[]))
    // The one that gives least away: the network's own privilege rather than all of the system's.
    return ways.find((way) => way.some(({ privileges }) => privileges.includes('Sys.AccessNetwork'))) ?? ways[0]!
  }
  if (kind !== 'perm') return []
  const [path, privileges, ...options] = rest as [string, string[], ...unknown[]]
  const wanted = options.includes('any') ? [privileges] : privileges.map((one) => [one])
  return wanted.map((some) => ({ path: path.replace('{newid}', '{vmid}'), privileges: some }))
}

/** What a file's calls ask for by the schema. `beside`: calls that its helpers make. */
function asked(file: string, beside: string[] = []) {
  const text = readFileSync(new URL(`../${file}.ts`, import.meta.url), 'utf8')
  const methods = [...text.matchAll(/\b(?:proxmox|client)\s*\.(\w+)\(/g)].map(([, method]) => method!)
  const reads = /\breadGuest\(/.test(text) ? ['guestConfig', 'guestState'] : []
  return [...new Set([...methods, ...reads, ...beside])].flatMap((method) =>
    (calls[method] ?? []).flatMap((call) => {
      const [verb = '', path = ''] = call.split(' ')
      const rule = schema.endpoints[path]?.[verb]?.permissions
      if (!schema.endpoints[path]?.[verb]) throw new Error(`the schema has no ${call}`)
      return rule?.check ? named(rule.check) : []
    }),
  )
}

const declares = (needs: readonly Need[], { path, privileges }: Asked) =>
  needs.some((need) => 'path' in need && need.path === path && privileges.some((one) => need.privileges.includes(one)))

describe.each(own)('$path', (entry) => {
  const { read, act, access } = needsOf(entry, catalogue)

  test('declares what its plan asks by the schema', () => {
    const plans = workersOf(entry, catalogue).length > 0 ? ['nodeTime'] : []
    const lacking = asked(`commands/${entry.file.replaceAll(' ', '/')}`, plans).filter((one) => !declares(read, one))
    expect(lacking).toEqual([])
  })

  test('names only privileges that there are, and paths as the schema writes them', () => {
    for (const need of [...read, ...act, ...access]) {
      if ('rootOnly' in need) {
        const [verb = '', path = ''] = need.rootOnly.split(' ')
        expect(schema.endpoints[path]?.[verb], need.rootOnly).toBeDefined()
        expect(schema.endpoints[path]![verb]!.permissions, need.rootOnly).toBeUndefined()
        continue
      }
      for (const privilege of need.privileges) expect(BUILT_IN_ROLES.Administrator).toContain(privilege)
      expect(need.path).toMatch(/^\/$|^\/(vms|nodes|storage|pool|sdn\/zones|access(\/(?:realm|groups))?)(\/\{\w+\})?$/)
    }
  })
})

const workers = [...new Set(own.flatMap((entry) => entry.command.examples.flatMap(({ plans }) => plans ?? [])))]

test.each(workers)('worker %s declares what its calls ask by the schema', (name) => {
  const worker = catalogue.worker(name)!
  expect(worker.needs, 'quorum doctor cannot tell what it needs').toBeDefined()
  const needs = [...everyJob, ...(worker.needs ?? [])]
  expect(asked(`workers/${name}`, ['nodeTime']).filter((one) => !declares(needs, one))).toEqual([])
})
