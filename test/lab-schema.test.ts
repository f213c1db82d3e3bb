import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EndpointFacts } from '../src/lab/schema/facts.ts'
import { loadSchema, type SchemaVersion } from '../src/lab/schema/load.ts'
import { parsePropertyString } from '../src/lab/schema/property-string.ts'
import { type Encoding, findEndpoint, mergeParams, verifyParams } from '../src/lab/schema/verify.ts'

interface Recording {
  name: string
  method: string
  path: string
  params: Record<string, unknown> | null
  encoding: string | null
  status: number
  body: { message?: string; errors?: Record<string, string> } | null
}

const folder = join(import.meta.dirname, 'recordings')
const recordings: Recording[] = readdirSync(folder)
  .filter((file) => file.endsWith('.jsonl.gz'))
  .flatMap((file) =>
    gunzipSync(readFileSync(join(folder, file)))
      .toString('utf8')
      .trim()
      .split('\n'),
  )
  .map((line) => JSON.parse(line))

const versions = ['7.2', '8.4', '9.2'] as const
const schemas = { '7.2': loadSchema('7.2'), '8.4': loadSchema('8.4'), '9.2': loadSchema('9.2') }
const schema = schemas['9.2']
const MISSING = 'property is missing and it is not optional'
const UNKNOWN = 'property is not defined in schema and the schema does not allow additional properties'

/** Refused by the endpoint's own code once its parameters were verified: they depend on what exists. */
const REFUSED_LATER: Record<string, string> = {
  'err.token-exists': 'Token already exists.',
  'err.nextid-taken': 'VM 100 already exists',
  'err.qemu-config-delete-unknown': "unknown option 'nope'",
  'err.task-unknown-status': 'no such task',
  'err.task-unknown-stop': 'no such task',
  'err.task-unknown-node': 'no such task',
  'err.task-garbage': 'unable to parse worker upid',
  'err.aplinfo-unknown-template': 'no such template',
  'err.net-unknown': 'interface does not exist',
  'err.net-exists': 'interface already exists',
  'err.lxc-create-no-template': "storage 'local' does not support container directories",
  'locked.token-skiplock': 'Only root may use this option.',
  'task.status-of-other-node-in-path': 'no such task',
}

/** Parameters that would be refused, had not something else refused the call before. */
const REFUSED_EARLIER: Record<string, string> = {
  'cluster.create-bad-name': '403: permissions are looked at first, and a token is not root@pam',
}

/** Calls whose body is not in the recording, so that there is nothing to verify. */
const BODY_NOT_RECORDED: Record<string, string> = {
  'err.wire-json-array': 'a JSON array, 500 before anything is looked at',
  'err.wire-form-duplicate': 'a form with one name twice',
  'err.wire-chunked-request': '501 by the HTTP server',
  'err.wire-csrf-in-body': '401 before anything is looked at',
  'wire.content-type-text-plain': '506 by the HTTP server',
  'wire.delete-with-form-body': '501 by the HTTP server',
  'wire.json-charset': 'a JSON body',
  'wire.long-description-9000': 'the 9000 characters; played below',
  'storage.upload': 'a multipart body',
}

/** Paths and methods that the API does not have, and what is not under /api2/json. */
const NO_ENDPOINT = [
  'err.delete-on-get-only',
  'err.method-patch',
  'err.not-api-path',
  'err.put-on-get-only',
  'err.unknown-path',
  'err.wire-format-case',
  'fmt.extjs-unknown',
  'fmt.extjs-version',
  'wire.head',
  'wire.options',
]

function replay({ method, path, params, encoding }: Recording) {
  const [bare = '', query = ''] = path.replace(/^!?(\/api2\/json)?/, '').split('?')
  const found = findEndpoint(schema, method, bare)
  if (!found.facts) return undefined
  const kind: Encoding = encoding?.startsWith('application/json') ? 'json' : encoding === null ? 'none' : 'form'
  const merged = mergeParams(found.pathParams, { ...Object.fromEntries(new URLSearchParams(query)), ...params })
  return merged.ok ? verifyParams(found.facts, merged.given, kind) : merged
}

const isVerificationFailure = ({ status, body }: Recording) =>
  status === 400 && body?.message === 'Parameter verification failed.\n'

const excused = new Set([REFUSED_LATER, REFUSED_EARLIER, BODY_NOT_RECORDED].flatMap(Object.keys).concat(NO_ENDPOINT))
const comparable = recordings.filter(({ name }) => !excused.has(name))

describe('what the real Proxmox VE 9.2 answered', () => {
  test('every exception is a recording', () => {
    const names = new Set(recordings.map(({ name }) => name))
    expect([...excused].filter((name) => !names.has(name))).toEqual([])
    expect(comparable.length).toBeGreaterThan(700)
  })

  test.each(comparable.filter(isVerificationFailure))('$name is refused with the same words', (recording) => {
    expect(replay(recording)).toEqual({ ok: false, errors: recording.body?.errors })
  })

  test('every other call passes', () => {
    const refused = comparable
      .filter((recording) => !isVerificationFailure(recording))
      .map((recording) => ({ name: recording.name, verified: replay(recording) }))
      .filter(({ verified }) => !verified?.ok)
    expect(refused).toEqual([])
  })

  test.each(recordings.filter(({ name }) => name in REFUSED_LATER))('$name passes the verification', (recording) => {
    expect(replay(recording)).toMatchObject({ ok: true })
    expect(Object.values(recording.body?.errors ?? {})).toEqual([REFUSED_LATER[recording.name]])
  })

  test('a bad cluster name is refused, if not for want of rights', () => {
    const recording = recordings.find(({ name, status }) => name === 'cluster.create-bad-name' && status === 403)
    const errors = { clustername: 'invalid format - value does not look like a valid node name\n' }
    expect(recording && replay(recording)).toEqual({ ok: false, errors })
  })

  test('a description of 9000 characters', () => {
    const recording = recordings.find(({ name }) => name === 'wire.long-description-9000')
    if (!recording) throw new Error('not recorded')
    const played = replay({ ...recording, params: { description: 'x'.repeat(9000) } })
    expect(played).toEqual({ ok: false, errors: recording.body?.errors })
  })

  test.each(recordings.filter(({ name }) => NO_ENDPOINT.includes(name)))('$name has no endpoint', (recording) => {
    expect(replay(recording)).toBeUndefined()
  })
})

describe('findEndpoint', () => {
  test.each([
    ['/nodes/pve1/qemu/100/config', '/nodes/{node}/qemu/{vmid}/config', { node: 'pve1', vmid: '100' }],
    ['//nodes/', '/nodes', {}],
    ['', '/', {}],
    [
      '/nodes/a/storage/s/content/s%3A101%2Fdisk.qcow2',
      '/nodes/{node}/storage/{storage}/content/{volume}',
      { node: 'a', storage: 's', volume: 's:101/disk.qcow2' },
    ],
    [
      '/cluster/firewall/ipset/lan/10.0.0.0/24',
      '/cluster/firewall/ipset/{name}/{cidr}',
      { name: 'lan', cidr: '10.0.0.0/24' },
    ],
    ['/nodes/pve1/tasks/UPID%3Aa%3A/status', '/nodes/{node}/tasks/{upid}/status', { node: 'pve1', upid: 'UPID:a:' }],
  ])('%s', (path, template, pathParams) => {
    expect(findEndpoint(schema, 'GET', path)).toMatchObject({ template, pathParams })
  })

  test('tells a wrong method from a wrong path', () => {
    expect(findEndpoint(schema, 'DELETE', '/version')).toEqual({ knownPath: true })
    expect(findEndpoint(schema, 'constructor', '/version')).toEqual({ knownPath: true })
    expect(findEndpoint(schema, 'GET', '/versions')).toEqual({ knownPath: false })
    expect(findEndpoint(schema, 'GET', '/nodes/pve1/constructor')).toEqual({ knownPath: false })
  })
})

function factsOf(call: string, version: SchemaVersion = '9.2'): EndpointFacts {
  const [method = '', path = ''] = call.split(' ')
  const { facts } = findEndpoint(schemas[version], method, path)
  if (!facts) throw new Error(`no ${call} in ${version}`)
  return facts
}

const createFacts = factsOf('POST /nodes/pve1/qemu')
const create = (given: Record<string, unknown>, encoding: Encoding = 'form') =>
  verifyParams(createFacts, { node: 'pve1', vmid: '100', ...given }, encoding)

describe('what comes out of verifyParams', () => {
  test('numbers and flags from a form', () => {
    const given = { cores: '4', onboot: '1', memory: '2048', cpulimit: '1.5', 'delete-me': undefined, name: 'web1' }
    expect(create(given)).toEqual({
      ok: false,
      errors: { 'delete-me': UNKNOWN },
    })
    const { 'delete-me': _, ...rest } = given
    expect(create(rest)).toEqual({
      ok: true,
      params: { node: 'pve1', vmid: 100, cores: 4, onboot: 1, memory: '2048', cpulimit: 1.5, name: 'web1' },
    })
  })

  test('JSON knows true, false and null; a form does not', () => {
    expect(create({ onboot: true, kvm: false, name: null }, 'json')).toMatchObject({
      ok: true,
      params: { onboot: 1, kvm: 0 },
    })
    expect(create({ onboot: 'true' })).toEqual({
      ok: false,
      errors: { onboot: "type check ('boolean') failed - got 'true'" },
    })
    expect(create({ name: true, cores: [1], agent: {} }, 'json')).toEqual({
      ok: false,
      errors: {
        name: "type check ('string') failed - got JSON::PP::Boolean",
        cores: "type check ('integer') failed - got ARRAY",
        agent: "type check ('string') failed - got HASH",
      },
    })
  })

  test('one value stands for an array, an array for a list in one text', () => {
    const bulk = factsOf('POST /cluster/bulk-action/guest/start')
    expect(verifyParams(bulk, { vms: '101' }, 'form')).toMatchObject({ params: { vms: ['101'] } })
    expect(verifyParams(bulk, { vms: ['101', '7'] }, 'form')).toEqual({
      ok: false,
      errors: { 'vms[1]': 'invalid format - value does not look like a valid VM ID\n' },
    })
    expect(create({ tags: ['a', 'b'] }, 'json')).toMatchObject({ params: { tags: 'a,b' } })
  })

  test('indexed parameters end where those of Proxmox end', () => {
    expect(create({ scsi30: 'local:1', ide3: 'none,media=cdrom' })).toMatchObject({ ok: true })
    expect(create({ scsi31: 'local:1', scsi01: 'local:1', scsi: 'local:1' })).toEqual({
      ok: false,
      errors: { scsi31: UNKNOWN, scsi01: UNKNOWN, scsi: UNKNOWN },
    })
  })

  test('a parameter that needs another', () => {
    expect(create({ unique: '1' })).toEqual({
      ok: false,
      errors: { archive: "missing property - 'unique' requires this property" },
    })
  })

  test('a path parameter repeated with another value', () => {
    expect(mergeParams({ node: 'pve1' }, { node: 'pve1', vmid: 100 })).toMatchObject({ ok: true })
    expect(mergeParams({ node: 'pve1', vmid: '100' }, { vmid: 101 })).toEqual({
      ok: false,
      errors: { vmid: 'duplicate parameter (already defined in URI) with conflicting values!' },
    })
  })
})

describe('what a rule may hold depends on its type', () => {
  const facts = factsOf('POST /cluster/ha/rules')
  test.each([
    [{ type: 'node-affinity', resources: 'vm:100' }, { 'oneOf[node-affinity].nodes': MISSING }],
    [{ type: 'node-affinity', resources: 'vm:100', nodes: 'pve1', affinity: 'positive' }, { affinity: UNKNOWN }],
    [{ type: 'resource-affinity', resources: 'vm:100', affinity: 'negative', strict: '1' }, { strict: UNKNOWN }],
  ])('%j', (given, errors) => {
    expect(verifyParams(facts, { rule: 'near', ...given }, 'form')).toEqual({ ok: false, errors })
  })

  test('flags in it are numbers too', () => {
    const given = { rule: 'near', type: 'node-affinity', resources: 'vm:100', nodes: 'pve1:2,pve2', strict: '1' }
    expect(verifyParams(facts, given, 'form')).toEqual({ ok: true, params: { ...given, strict: 1 } })
  })
})

describe('property strings', () => {
  test.each([
    ['net0', 'virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=on,tag=7'],
    ['net0', 'model=virtio,bridge=vmbr0'],
    ['ide2', 'local:iso/debian-12.iso,media=cdrom'],
    ['scsi0', 'volume=shared:32,format=qcow2,iothread=1'],
    ['boot', 'order=scsi0;ide2;net0'],
    ['boot', 'cdn'],
    ['agent', 'enabled=1,fstrim_cloned_disks=yes'],
    ['agent', '1'],
    ['memory', 'current=2048'],
    ['startup', 'order=1,up=30,down=60'],
    ['ipconfig0', 'ip=10.0.0.5/24,gw=10.0.0.1'],
    ['cpu', 'host,flags=+aes;-pcid'],
    ['efidisk0', 'local:1,efitype=4m,pre-enrolled-keys=1'],
  ])('%s: %s', (name, value) => {
    expect(create({ [name]: value })).toMatchObject({ ok: true, params: { [name]: value } })
  })

  test.each([
    ['net0', 'virtio,bridge=a b', "format error\nnet0.bridge: invalid format - invalid bridge ID 'a b'\n\n"],
    [
      'net0',
      'virtio=01:00:00:00:00:00,tag=5000',
      'format error\nnet0.macaddr: invalid format - value does not look like a valid unicast MAC address\n\n' +
        'net0.tag: value must have a maximum value of 4094\n',
    ],
    ['net0', 'virtio,colour=red', 'invalid key in comma-separated list property: colour\n'],
    ['net0', 'bridge=vmbr0', `format error\nnet0.model: ${MISSING}\n`],
    ['net0', 'virtio,e1000', 'duplicate key in comma-separated list property: model\n'],
    ['net0', 'model=virtio,e1000=BC:24:11:00:00:01', "key alias 'model' is already defined\n"],
    ['net0', 'virtio,bridge=', 'missing key in comma-separated list property\n'],
    ['ipconfig0', '10.0.0.5/24', 'value without key, but schema does not define a default key\n'],
    [
      'ipconfig0',
      'gw=10.0.0.1',
      "format error\nipconfig0.ip: missing property - 'ipconfig0.gw' requires this property\n",
    ],
    ['boot', 'order=scsi0;nope', "format error\nboot.order: invalid format - invalid boot device 'nope'\n\n"],
    ['agent', 'maybe', "format error\nagent.enabled: type check ('boolean') failed - got 'maybe'\n"],
    ['scsi0', 'nothing', "format error\nscsi0.file: invalid format - unable to parse volume ID 'nothing'\n\n"],
    ['startup', 'later', 'unable to parse startup options\n'],
    ['tags', 'good,!bad', 'invalid characters in tag\n'],
  ])('%s: %s is refused', (name, value, complaint) => {
    expect(create({ [name]: value })).toEqual({ ok: false, errors: { [name]: `invalid format - ${complaint}` } })
  })

  test('an alias gives its own name to another key', () => {
    const keys = createFacts.params['net[n]']?.format
    if (typeof keys !== 'object') throw new Error('net[n] is not a property string')
    const parsed = parsePropertyString(keys, 'virtio=BC:24:11:00:00:01,firewall=yes')
    expect(parsed).toEqual({
      values: new Map([
        ['model', 'virtio'],
        ['macaddr', 'BC:24:11:00:00:01'],
        ['firewall', '1'],
      ]),
    })
  })
})

describe('named formats', () => {
  test.each([
    ['POST /cluster/backup', { schedule: 'mon..fri 02:30' }, undefined],
    ['POST /cluster/backup', { schedule: '*/15' }, undefined],
    [
      'POST /cluster/backup',
      { schedule: 'whenever' },
      { schedule: "invalid format - invalid calendar event 'whenever' - unable to parse calendar event\n\n" },
    ],
    [
      'POST /cluster/backup',
      { 'prune-backups': 'keep-last=-1' },
      {
        'prune-backups':
          'invalid format - format error\nprune-backups.keep-last: value must have a minimum value of 0\n',
      },
    ],
    [
      'POST /storage',
      { storage: 'nas', type: 'nfs', server: 'not a host', export: '/x', nodes: 'pve1,p_2' },
      {
        server: 'invalid format - value does not look like a valid server name or IP address\n',
        nodes: 'invalid format - value does not look like a valid node name\n',
      },
    ],
    [
      'POST /nodes/pve1/network',
      { node: 'pve1', iface: 'vmbr1', type: 'bridge', cidr: '10.0.0.1', address: '10.0.0.1', netmask: '255.0.255.0' },
      {
        cidr: 'invalid format - value does not look like a valid IPv4 CIDR network\n',
        netmask: 'invalid format - value does not look like a valid IP netmask\n',
      },
    ],
    [
      'POST /nodes/pve1/network',
      { node: 'pve1', iface: 'vmbr1', type: 'bridge', cidr: '10.0.0.1/7' },
      { cidr: 'invalid format - value does not look like a valid IPv4 CIDR network\n' },
    ],
    ['POST /access/users', { userid: 'a' }, { userid: "invalid format - user name 'a' is too short\n" }],
    ['POST /pools', { poolid: 'a b' }, { poolid: "invalid format - pool name 'a b' contains invalid characters\n" }],
  ])('%s %j', (call, given, errors) => {
    const verified = verifyParams(factsOf(call), given, 'form')
    expect(verified.ok ? undefined : verified.errors).toEqual(errors)
  })
})

describe('the tables of the older releases', () => {
  test('8.4 and 7.2 have groups without rules, 9.2 has both', () => {
    expect(findEndpoint(schemas['7.2'], 'GET', '/cluster/ha/rules')).toEqual({ knownPath: false })
    expect(findEndpoint(schemas['8.4'], 'GET', '/cluster/ha/rules')).toEqual({ knownPath: false })
    expect(factsOf('POST /cluster/ha/groups', '7.2').params).toHaveProperty('nofailback')
    expect(factsOf('GET /cluster/ha/rules').permissions).toEqual({ check: ['perm', '/', ['Sys.Audit']] })
  })

  test('memory became a property string after 7.2', () => {
    expect(factsOf('POST /nodes/a/qemu', '7.2').params.memory?.type).toBe('integer')
    expect(factsOf('POST /nodes/a/qemu', '8.4').params.memory?.format).toHaveProperty('current')
  })

  test('who may call', () => {
    expect(factsOf('POST /cluster/config').permissions).toBeUndefined()
    expect(factsOf('POST /access/ticket')).toMatchObject({ allowToken: false, permissions: { user: 'world' } })
    expect(factsOf('GET /nodes/pve1/status')).toMatchObject({ proxyTo: 'node', protected: false, allowToken: true })
  })
})

const endpoints = versions.flatMap((version) =>
  Object.values(schemas[version].endpoints).flatMap((methods) => Object.values(methods)),
)

/** A JSON value, or a text that looks like a property string or a list. */
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.stringMatching(/^[a-z0-9=,:;./ +-]{0,40}$/),
  fc
    .array(fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 })), { maxLength: 4 })
    .map((pairs) => pairs.map(([key, text]) => `${key}=${text}`).join(',')),
)

const call = fc.constantFrom(...endpoints).chain((facts) => {
  const known = Object.keys(facts.params).map((name) => name.replace('[n]', '0'))
  const name = fc.oneof(fc.constantFrom('node', '__proto__', 'constructor', ...known), fc.string({ maxLength: 8 }))
  return fc.record({ facts: fc.constant(facts), given: fc.dictionary(name, value, { maxKeys: 8 }) })
})

describe('whatever is sent', () => {
  test('verifyParams does not throw, and a refusal names what it refuses', () => {
    fc.assert(
      fc.property(call, fc.constantFrom<Encoding>('form', 'json', 'none'), ({ facts, given }, encoding) => {
        const verified = verifyParams(facts, given, encoding)
        if (verified.ok) expect(Object.keys(given)).toEqual(expect.arrayContaining(Object.keys(verified.params)))
        else expect(Object.values(verified.errors).every((text) => text.length > 0)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('what passed passes again, unchanged', () => {
    fc.assert(
      fc.property(call, ({ facts, given }) => {
        const once = verifyParams(facts, given, 'form')
        fc.pre(once.ok)
        expect(verifyParams(facts, once.ok ? once.params : {}, 'form')).toEqual(once)
      }),
      { numRuns: 300, maxSkipsPerRun: 1000 },
    )
  })

  test('findEndpoint does not throw', () => {
    const segment = fc.oneof(fc.string(), fc.constantFrom('nodes', 'pve1', 'qemu', '%', '%2F', '..', '__proto__'))
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), fc.string(), (segments, method) => {
        const found = findEndpoint(schema, method, segments.join('/'))
        expect(found.facts === undefined ? typeof found.knownPath : typeof found.template).toMatch(/boolean|string/)
      }),
    )
  })
})
