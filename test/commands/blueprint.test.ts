import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fill } from '../../src/core/language.ts'
import blueprintApply from '../../workers/blueprint-apply.ts'
import blueprintValidate from '../../workers/blueprint-validate.ts'
import { runJob, warningsOf } from './ha-stage.ts'
import { type Enqueued, Stage } from './stage.ts'

const iqn = 'iqn.2001-05.com.example:array.lun0'
const array = `  - { id: array, type: iscsi, portal: 172.16.1.30, target: "${iqn}", content: [none] }\n`
const [used, free] = [0, 1].map((n) => `array:0.0.${n}.scsi-36001405c0ffee00000000000000000${n}`) as [string, string]

let stage: Stage
let lone: Stage
let folder: string

beforeAll(async () => {
  ;[stage, lone] = await Promise.all([Stage.open(), Stage.open({ scenario: 'azuay' })])
  await stage.machine(100, 'web', { config: { scsi0: 'Storage:8', ide2: 'NASAccess:iso/debian-12.iso,media=cdrom' } })
  folder = await mkdtemp(join(tmpdir(), 'quorum-blueprints-'))
  stage.blueprints = folder
  lone.blueprints = folder
})
afterAll(async () => {
  await Promise.all([stage.close(), lone.close()])
  await rm(folder, { recursive: true })
})

/** Writes a blueprint down and asks for its plan. */
async function planOf(text: string, on = stage, locale = 'en') {
  await writeFile(join(folder, 'site.yaml'), text)
  on.forgetLanguages()
  const { table, title } = await on.say('blueprint plan site', 'viewer', locale)
  return { title, rows: table?.rows ?? [] }
}

const lun = (volid: string) =>
  [...stage.sim.cluster.shared]
    .find(([key]) => key.startsWith('iscsi:'))![1]
    .volumes.find(({ name }) => volid.endsWith(name))!

describe('a cluster written down', () => {
  test('and read again lacks nothing: no step is to do', async () => {
    const { ha } = stage.sim.cluster.nodes[0]!.config
    ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'stopped', max_restart: 2 } })
    const keys = { resources: 'vm:100', nodes: 'pve1:3,pve2' }
    ha.rules.set('home', { rule: 'home', type: 'node-affinity', order: 1, keys })
    const { log = [], fields } = await stage.say('blueprint export', 'viewer')
    const text = log.join('\n')
    expect(text).toContain('link0: 172.16.1.0/24')
    expect(text).toMatch(/export: \/volume1\/NASAccess/)
    expect(text).toMatch(/thinpool: data/)
    expect(fields?.map(({ value }) => value)).toEqual([expect.stringContaining('debian-12-template')])
    const { title, rows } = await planOf(text)
    expect(title, JSON.stringify(rows)).toBe('Blueprint site: nothing to do')
    expect(rows.map(([step]) => step)).toEqual(
      expect.arrayContaining([expect.stringContaining('local-lvm'), expect.stringContaining('web (100)')]),
    )
    expect((await stage.say('blueprint check site', 'viewer')).state).toBe('ok')
    // Somebody changes what the file says: told, and nothing of the rest is begun.
    stage.sim.cluster.nodes[0]!.config.guests.get(100)!.keys.cores = 4
    expect((await stage.say('blueprint apply site', 'operator')).error).toMatchObject({
      code: 'blueprint-cannot',
      says: 'Machine web (100) on pve1: it is there, and different: cores 4, not 1. Nothing has been touched.',
    })
  })
})

describe('a LUN', () => {
  beforeAll(async () => {
    const { config } = stage.sim.cluster.nodes[0]!
    const options = { portal: '172.16.1.30', target: iqn }
    config.storages.set('array', {
      storage: 'array',
      type: 'iscsi',
      content: ['none'],
      shared: true,
      disable: false,
      options,
    })
  })
  const on = (base: string, vg: string, more = '') =>
    `storage:\n${array}  - { id: data, type: lvm, base: "${base}", vg: ${vg}, shared: true${more} }\n`

  test.each([
    ['en', 'nothing proves that the LUN'],
    ['es', 'nada prueba que la LUN'],
  ])('that may hold something is refused untouched, with id and size (%s)', async (locale, says) => {
    const { rows } = await planOf(on(free, 'vg_data'), stage, locale)
    expect(rows[1]![2]).toContain(says)
    expect(rows[1]![2]).toContain(`${free} (4 TiB)`)
    expect((await stage.say('blueprint apply site', 'admin', 'en')).error?.code).toBe('blueprint-cannot')
    expect(lun(free).holds).toEqual({ filesystem: 'ext4' })
  })

  test('of another volume group is refused in the words of the command for it alone', async () => {
    const { rows } = await planOf(on(used, 'vg_data', ', wipe: true'))
    expect(rows[1]![2]).toContain('seems to hold the volume group vg_array')
  })

  test('that is to be wiped is shown as that, and wants the approval of another person', async () => {
    await planOf(on(free, 'vg_data', ', wipe: true'))
    expect((await stage.say('blueprint apply site', 'operator')).error?.code).toBe('not-allowed')
    const card = await stage.say('blueprint apply site', 'admin')
    expect(warningsOf(card)).toEqual([expect.stringContaining(`${free} (4 TiB)`)])
    const { message } = await stage.click(card.key, 'confirm', 'admin')
    expect(message.actions?.map(({ id }) => id)).toContain('approve')
    expect(stage.enqueued).toEqual([])
  })

  test('that was not to be seen when it was planned is looked at by the job, and left alone', async () => {
    const params = { vgname: 'vg_data', base: free, content: 'images', shared: true }
    const payload = { id: 'data', type: 'lvm', params, node: 'pve1', only: null, lun: { volid: free, holds: 'ours' } }
    const job = { id: 'j-1', worker: 'storage-add', payload, node: 'pve1', since: 0 } as unknown as Enqueued
    await expect(runJob(stage, job)).rejects.toMatchObject({ code: 'lun-not-proved' })
    expect(lun(free).holds).toEqual({ filesystem: 'ext4' })
  })
})

describe('a part', () => {
  /** Which parts of a job are begun, for one machine of that name. */
  async function begun(name: string) {
    const payload = { name, node: 'pve1', storage: 'Storage', diskGiB: 8, cores: 1, memoryMiB: 64, vmid: 100 }
    const parts: number[] = []
    const outcome = await blueprintApply.run({
      payload: { name: 'site', parts: [{ worker: 'vm-create', title: name, payload }] },
      job: { id: 'j-2', language: 'en' },
      proxmox: stage.proxmox,
      step: (_: string, work: () => Promise<unknown>) => work(),
      part: async ({ n }: { n: number }) => {
        parts.push(n)
        return {}
      },
      shows: async () => {},
      say: (key: string) => key,
    } as never)
    expect(outcome.values).toEqual({ name: 'site', count: 1 })
    return parts
  }

  test('that somebody has made meanwhile is not begun; a number that another guest has is for its own worker to tell', async () => {
    expect(await begun('web')).toEqual([])
    expect(await begun('other')).toEqual([1])
  })
})

describe('a verdict', () => {
  /** Two drills, of which the first ends so; what the card says in the end. */
  async function verdictOf(first: object) {
    const order = { node: 'pve1', kind: 'shutdown', accept: [], expectsNothing: false }
    const expect = [{ sid: 'vm:100', name: 'Win11', to: 'pve2' }]
    const drills = ['pve1', 'pve2'].map((node) => ({ title: node, drill: { ...order, node }, within: 180, expect }))
    const good = { verdict: 'passed', guests: [{ sid: 'vm:100', to: 'pve2', downSeconds: 60 }] }
    const { words } = blueprintValidate.text.en
    const { values, fields, warnings } = await blueprintValidate.run({
      payload: { name: 'site', drills },
      job: { id: 'j-3', cluster: 'main' },
      drills: {
        list: async () => [
          { id: 'j-3.001', ...good, ...first },
          { id: 'j-3.002', ...good },
        ],
      },
      step: (_: string, work: () => Promise<unknown>) => work(),
      part: async () => ({}),
      shows: async () => {},
      say: (key: keyof typeof words, about?: object) => fill(words[key], about as never),
    } as never)
    return { result: values?.result, told: fields?.map(({ value }) => value), warnings }
  }
  const met = 'passed\nWin11 ran again on pve2 after 60 s (wanted: pve2, within 180 s)'

  test('is passed when every drill did as the file expects', async () => {
    expect(await verdictOf({})).toEqual({ result: 'passed', told: [met, met], warnings: [] })
  })

  test.each([
    [
      'another node',
      { guests: [{ sid: 'vm:100', to: 'pve3', downSeconds: 60 }] },
      'Win11: on pve3 after 60 s (wanted: pve2,',
    ],
    [
      'too late',
      { guests: [{ sid: 'vm:100', to: 'pve2', downSeconds: 181 }] },
      'Win11: on pve2 after 181 s (wanted: pve2,',
    ],
    ['nowhere', { guests: [{ sid: 'vm:100' }] }, 'Win11: not seen to run again (wanted: pve2,'],
    ['stopped', { verdict: 'stopped', stop: 'quorum was lost' }, 'stopped: quorum was lost'],
    ['not as foretold', { verdict: 'failed' }, 'not all was as foretold. See: drill report j-3.001'],
  ])('is FAILED, and no other drill is begun: %s', async (_, first, why) => {
    const { result, told, warnings } = await verdictOf(first)
    expect({ result, last: told?.[1] }).toEqual({ result: 'FAILED', last: 'not begun' })
    expect(told?.[0]).toContain(why)
    expect(warnings).toEqual([expect.stringContaining(why)])
  })
})

describe('three lone hosts', () => {
  const cluster = (more: string) => `cluster: { name: pvecluster, ${more} }\n`

  test('yellow lines: one link, shared with the storage, and a disk that stays behind', async () => {
    const nas = 'storage: [{ id: NAS, type: nfs, server: 172.16.1.20, export: /volume1/NASAccess }]\n'
    const guest = 'guests: [{ id: 100, name: web, node: pve1, disk: local-lvm:8G }]\nha: { guests: [{ guest: 100 }] }\n'
    await planOf(`${cluster('first: pve1, link0: 172.16.1.0/24')}${nas}${guest}`, lone)
    expect(warningsOf(await lone.say('blueprint plan site', 'viewer'))).toEqual([
      expect.stringMatching(/^One link/),
      expect.stringMatching(/^link0 \(172\.16\.1\.0\/24\) also carries the storages NAS:/),
      expect.stringMatching(/^Machine web \(100\).*local-lvm/),
    ])
  })

  test('links become the addresses that the first host has there', async () => {
    const { rows } = await planOf(cluster('first: pve1, join: [pve2], link0: 172.16.1.0/24'), lone)
    expect(rows.map(([, state]) => state)).toEqual(['to do', 'to do'])
    expect(rows[0]![2]).toContain('--link0 172.16.1.103')
  })

  test.each([
    ['first: pve1, link1: 10.9.0.0/16', 'pve1 has no address in 10.9.0.0/16 for link1'],
    ['first: pve2', 'the endpoints of the configuration lead to pve1, not to pve2'],
  ])('%s: is not possible, and why', async (more, why) => {
    const { rows } = await planOf(cluster(more), lone)
    expect(rows[0]).toEqual([expect.any(String), 'not possible', expect.stringContaining(why)])
  })

  test('a host that the configuration does not name cannot join', async () => {
    const { rows } = await planOf(cluster('first: pve1, join: [pve9]'), lone)
    expect(rows[1]![2]).toContain('pve9 is not under `hosts:`')
  })

  test('a LUN of an array that comes with the file is planned; without one it is not', async () => {
    const lvm = `  - { id: data, type: lvm, base: "${used}", vg: vg_array, shared: true }\n`
    expect((await planOf(`storage:\n${array}${lvm}`, lone)).rows.map(([, state]) => state)).toEqual(['to do', 'to do'])
    expect((await planOf(`storage:\n${lvm}`, lone)).rows[0]![2]).toContain('brings no iSCSI storage')
  })
})
