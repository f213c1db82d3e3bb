import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { done, fieldOf, runJob, warningsOf } from './ha-stage.ts'
import { Stage } from './stage.ts'

let stage: Stage
const array = 'storage add array type:iscsi portal:172.16.1.30 target:iqn.2001-05.com.example:array.lun0'
const free = 'array:0.0.1.scsi-36001405c0ffee000000000000000001'

beforeAll(async () => {
  stage = await Stage.open()
  await stage.machine(100, 'web', { config: { scsi0: 'Storage:1', ide2: 'NASAccess:iso/debian-12.iso,media=cdrom' } })
})
afterAll(() => stage.close())

const cluster = () => stage.sim.cluster
const sections = () => cluster().nodes[0]!.config.storages
const box = (start: string) => [...cluster().shared].find(([key]) => key.startsWith(start))![1]
const lun = () => box('iscsi:').volumes.find(({ name }) => free.endsWith(name))!
const refused = async (line: string, who = 'admin') => (await stage.say(line, who)).error

/** Confirmed by who asked and approved by somebody else; the job is run. */
async function decided(line: string) {
  const before = stage.enqueued.length
  const { key } = await stage.say(line, 'admin')
  const asked = await stage.click(key, 'confirm', 'admin')
  const needsApproval = asked.message.actions?.some(({ id }) => id === 'approve') === true
  if (needsApproval) {
    stage.grants.push({ role: 'admin', who: ['ana'] })
    await stage.click(key, 'approve', 'ana')
  }
  const job = stage.enqueued[before]!
  return { needsApproval, job }
}

describe('storage add', () => {
  test('an NFS server: confirmed, added, and every node is asked', async () => {
    const card = await done(
      stage,
      'storage add isos type:nfs server:172.16.1.20 export:/volume1/NASAccess content:iso,vztmpl',
      'admin',
    )
    const value = 'active, 7.59 TiB of 8 TiB free'
    expect(card.outcome?.fields).toEqual(['pve1', 'pve2', 'pve3'].map((name) => ({ name, value })))
    expect(card.outcome?.warnings).toEqual([])
    expect(sections().get('isos')).toMatchObject({ type: 'nfs', content: ['iso', 'vztmpl'] })
  })

  test('a node that does not reach it is named with the line of Proxmox', async () => {
    box('nfs:').lostBy = new Set(['pve3'])
    const card = await done(stage, 'storage add iso2 type:nfs server:172.16.1.20 export:/volume1/NASAccess', 'admin')
    delete box('nfs:').lostBy
    expect(card.outcome?.warnings).toHaveLength(1)
    expect(card.outcome?.warnings?.[0]).toMatch(/^pve3 does not reach iso2: .*(is not online|access denied)/)
    expect(card.outcome?.values?.nodes).toBe('2 of 3 nodes reach it')
  })

  test('what is missing for its type is asked for, and nothing that it does not take', async () => {
    const card = await stage.say('storage add data type:nfs', 'admin')
    const fields = card.form?.fields ?? []
    expect(fields.filter(({ required }) => required).map(({ name }) => name)).toEqual([
      'id',
      'type',
      'server',
      'export',
    ])
    expect(fields.map(({ name }) => name)).not.toContain('portal')
    const sent = { id: 'data', type: 'nfs', server: '172.16.1.20', export: '/volume1/NASAccess' }
    const { message } = await stage.click(card.key, 'form.submit', 'admin', sent)
    expect(message).toMatchObject({ state: 'waiting', title: 'Add storage data (nfs)' })
  })

  test('a mistyped export is named beside those that are there', async () => {
    await expect(
      done(stage, 'storage add nope type:nfs server:172.16.1.20 export:/volume9', 'admin'),
    ).rejects.toMatchObject({ code: 'no-export', values: { there: '/volume1/NASAccess' } })
    expect(sections().has('nope')).toBe(false)
  })

  test('a server that hangs ends with its line and leaves nothing', async () => {
    box('nfs:').unreachable = true
    const line = 'storage add gone type:nfs server:172.16.1.20 export:/volume1/NASAccess'
    await expect(done(stage, line, 'admin')).rejects.toMatchObject({ text: expect.stringContaining('is not online') })
    box('nfs:').unreachable = false
    expect(sections().has('gone')).toBe(false)
  })

  test('a password is asked for outside of the chat and is on no card and in no job', async () => {
    const { job } = await decided('storage add smb type:cifs server:172.16.1.20 share:data username:backup')
    await expect(runJob(stage, job, 'hunter2-secret')).rejects.toMatchObject({ text: expect.stringContaining('smb') })
    expect(JSON.stringify([job, [...stage.outbox.cards]])).not.toContain('hunter2')
  })
})

describe('LVM on a LUN', () => {
  test('the array shows its LUNs; Proxmox knows no paths, and that is said', async () => {
    expect(warningsOf(await stage.say(`${array} --explain`, 'admin')).join()).toContain('multipath -ll')
    expect((await done(stage, array, 'admin')).outcome?.warnings).toEqual([])
    expect(sections().has('array')).toBe(true)
  })

  test.each([
    ['en', 'Nothing proves'],
    ['es', 'Nada prueba'],
  ])('one that holds something else is refused untouched, with id and size (%s)', async (locale, says) => {
    stage.forgetLanguages()
    const { error } = await stage.say(`storage add data type:lvm vg:vg_data base:${free}`, 'admin', locale)
    expect(error).toMatchObject({ code: 'lun-not-proved', says: expect.stringContaining(says) })
    expect(error?.says).toContain(`${free} (4 TiB)`)
    expect(error?.hint).toContain('wipe:true')
    expect(lun().holds).toEqual({ filesystem: 'ext4' })
  })

  test('the volume group of another is refused whatever is said', async () => {
    const used = 'array:0.0.0.scsi-36001405c0ffee000000000000000000'
    const line = `storage add data type:lvm vg:vg_data base:${used} wipe:true`
    expect(await refused(line)).toMatchObject({ code: 'lun-of-another', says: expect.stringContaining('vg_array') })
    const wrong = await refused(`storage add data type:lvm vg:vg_array base:${free} wipe:true`)
    expect(wrong).toMatchObject({ code: 'vg-elsewhere' })
    expect((await refused('storage add data type:lvm vg:x base:array:0.0.9.scsi-0'))?.says).toContain(free)
  })

  test('what is ours already needs no approval', async () => {
    const used = 'array:0.0.0.scsi-36001405c0ffee000000000000000000'
    const { needsApproval, job } = await decided(`storage add again type:lvm vg:vg_array base:${used}`)
    expect(needsApproval).toBe(false)
    expect((await runJob(stage, job)).warnings).toEqual([])
  })

  test('wiped only with the approval of another person; changed meanwhile, not at all', async () => {
    const line = `storage add data type:lvm vg:vg_data base:${free} wipe:true`
    const { needsApproval, job } = await decided(line)
    expect(needsApproval).toBe(true)
    const { size } = lun()
    lun().size = size / 2
    await expect(runJob(stage, job)).rejects.toMatchObject({ code: 'lun-changed' })
    expect(lun().holds).toEqual({ filesystem: 'ext4' })
    lun().size = size
    const { fields } = await runJob(stage, job)
    expect(fields?.map(({ value }) => value)).toEqual(Array(3).fill('active, 4 TiB of 4 TiB free'))
    expect(lun().holds).toEqual({ vg: 'vg_data' })
    expect(sections().get('data')).toMatchObject({ shared: true, options: { base: free, vgname: 'vg_data' } })
    // Run once more, as after a crash: found, and nothing sent.
    expect((await runJob(stage, job)).warnings).toEqual([])
  })

  test('LVM that is not marked as shared is told what that means for HA, before anything is done', async () => {
    const card = await stage.say('storage add plain type:lvm vg:pve --explain', 'admin')
    expect(warningsOf(card).join('\n')).toMatch(/not be marked as shared[\s\S]*RAID 0 is not redundant/)
    expect(fieldOf(card, 'By hand, in a shell')).toBe(
      'pvesm add lvm plain --vgname pve --content images,rootdir --shared 0',
    )
  })
})

describe('storage remove', () => {
  test('not while machines have disks or CD-ROMs on it: they are named', async () => {
    expect((await refused('storage remove Storage'))?.says).toContain('web (100) scsi0')
    expect((await refused('storage remove NASAccess'))?.says).toContain('web (100) ide2')
  })

  test('not before what stands on it', async () => {
    expect(await refused('storage remove array')).toMatchObject({ code: 'is-base' })
    for (const id of ['again', 'data', 'array']) {
      await done(stage, `storage remove ${id}`, 'admin')
      expect(sections().has(id)).toBe(false)
    }
  })

  test('a machine that got a disk there after the decision keeps its storage', async () => {
    const before = stage.enqueued.length
    const { key } = await stage.say('storage remove isos', 'admin')
    await stage.click(key, 'confirm', 'admin')
    const { keys } = cluster().nodes[0]!.config.guests.get(100)!
    keys.ide0 = 'isos:iso/Win11.iso,media=cdrom'
    await expect(runJob(stage, stage.enqueued[before]!)).rejects.toMatchObject({ code: 'storage-used' })
    delete keys.ide0
    expect(sections().has('isos')).toBe(true)
  })
})
