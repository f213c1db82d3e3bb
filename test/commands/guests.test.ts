import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GuestConfig } from '../../src/lab/model.ts'
import { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
  await stage.machine(100, 'web1', { running: true })
  await stage.machine(101, 'db1')
  await stage.machine(102, 'twin')
  await stage.machine(103, 'twin')
})

beforeEach(() => stage.forgetLanguages())
afterAll(() => stage.close())

const field = (message: { fields?: { name: string; value: string }[] }, name: string) =>
  message.fields?.find((one) => one.name === name)?.value

const site = () => stage.sim.cluster.nodes[0]!.config

/** Changes a guest of the simulated cluster for as long as `work` takes. */
async function having(vmid: number, change: (guest: GuestConfig) => void, work: () => Promise<void>) {
  const before = site().guests.get(vmid)!
  const changed = structuredClone(before)
  change(changed)
  site().guests.set(vmid, changed)
  try {
    await work()
  } finally {
    site().guests.set(vmid, before)
  }
}

/** While the clock stands still, so that the HA manager does not take it. */
async function underHa(sid: string, work: () => Promise<void>) {
  const { clock } = stage.sim.cluster
  const { speed } = clock
  clock.setSpeed(0)
  site().ha.resources.set(sid, { sid, type: 'vm', keys: {} })
  try {
    await work()
  } finally {
    site().ha.resources.delete(sid)
    clock.setSpeed(speed)
  }
}

describe('what is in the way is refused with the next step', () => {
  const refused = async (line: string) => (await stage.say(line)).error

  test('a protected machine is not deleted', () =>
    having(
      101,
      ({ keys }) => {
        keys.protection = 1
      },
      async () =>
        expect(await refused('vm delete db1')).toMatchObject({
          code: 'is-protected',
          hint: 'qm set 101 --protection 0',
        }),
    ))

  test('one under HA is not deleted, and HA is named as the one that acts on it', () =>
    underHa('vm:101', async () => {
      expect(await refused('vm delete db1')).toMatchObject({ code: 'under-ha', hint: 'ha remove 101' })
      const start = await stage.say('vm start db1 --explain')
      expect(field(start, 'Warning')).toContain('10–20 s')
      expect(field(start, 'By hand, in a shell')).toBe('ha-manager set vm:101 --state started')
    }))

  test('a shutdown through HA is hard in the end, and says so', () =>
    underHa('vm:100', async () => {
      const plan = await stage.say('vm shutdown web1 timeout:90 --explain')
      expect(field(plan, 'Patience')).toBe('90 s, then it is switched off hard')
      expect(field(plan, 'By hand, in a shell')).toBe('ha-manager crm-command stop vm:100 90')
    }))

  test('a locked machine is left alone', () =>
    having(
      101,
      (guest) => {
        guest.lock = 'backup'
      },
      async () => {
        for (const line of ['vm start db1', 'vm delete db1', 'vm clone db1 name:copy']) {
          expect(await refused(line)).toMatchObject({ code: 'guest-locked', says: expect.stringContaining('backup') })
        }
      },
    ))

  test('a name that several machines have', async () =>
    expect(await refused('vm start twin')).toMatchObject({ code: 'ambiguous-guest', hint: 'Use the number: 102' }))

  test('a running machine is not deleted; the next step can be typed as it stands', async () => {
    const { hint } = (await refused('vm delete 100'))!
    expect(hint).toBe('vm stop web1')
    expect((await stage.say(hint)).state).toBe('waiting')
  })

  test('a template that linked clones stand on is not deleted', async () => {
    const { volumes } = stage.sim.cluster.nodes[0]!.local.get('local')!
    const image = { content: 'images' as const, format: 'qcow2', size: 1, ctime: 1 }
    const base = '9000/base-9000-disk-0.qcow2'
    volumes.push({ ...image, name: base, vmid: 9000 }, { ...image, name: `${base}/120/vm-120-disk-0.qcow2`, vmid: 120 })
    site().storages.get('local')!.content.push('images')
    await having(
      9000,
      ({ keys }) => {
        keys.scsi0 = `local:${base},size=16G`
      },
      async () =>
        expect(await refused('vm delete 9000')).toMatchObject({
          code: 'has-clones',
          says: expect.stringContaining('120'),
          hint: 'vm delete 120',
        }),
    )
    site().storages.get('local')!.content.pop()
    volumes.splice(-2)
  })
})

describe('vm clone', () => {
  test('links only where the storage can, and offers the full clone otherwise', () =>
    having(
      9000,
      ({ keys }) => {
        keys.scsi0 = 'Storage:base-9000-disk-0,size=16G'
      },
      async () => {
        const { error } = await stage.say('vm clone 9000 name:web2')
        expect(error).toMatchObject({
          code: 'no-links',
          says: expect.stringContaining('Storage (lvm)'),
          hint: 'vm clone debian-12-template name:web2 full:true',
        })
        expect((await stage.say(error!.hint)).state).toBe('queued')
        expect((await stage.say('vm clone 9000 name:web2 node:pve2 full:true')).state).toBe('queued')
      },
    ))

  test('a linked clone stays where its template is', async () => {
    const { error } = await stage.say('vm clone 9000 name:web2 storage:Storage')
    expect(error).toMatchObject({ code: 'linked-stays' })
    expect((await stage.say(error!.hint)).state).toBe('queued')
  })

  test('a taken number and a storage for other things are told before anything begins', async () => {
    expect((await stage.say('vm clone 9000 name:web2 vmid:100')).error?.code).toBe('vmid-taken')
    const { error } = await stage.say('vm clone 9000 name:web2 full:true storage:local')
    expect(error?.code).toBe('not-for-images')
  })
})

describe('vm create preset', () => {
  const shell = async (line: string) => field(await stage.say(`${line} --explain`), 'By hand, in a shell')

  test("the thesis's machine needs no drivers; a Linux one stays as it was", async () => {
    expect(await shell('vm create old preset:thesis storage:Storage vmid:105')).toBe(
      'qm create 105 --name old --cores 4 --memory 8048 --ostype win10 --scsihw virtio-scsi-pci --sata0 Storage:64 --net0 e1000,bridge=vmbr0',
    )
    expect(await shell('vm create new storage:Storage vmid:105 iso:debian-12.iso')).toBe(
      'qm create 105 --name new --cores 1 --memory 2048 --ostype l26 --scsihw virtio-scsi-single --scsi0 Storage:32 --net0 virtio,bridge=vmbr0 --ide2 NASAccess:iso/debian-12.iso,media=cdrom',
    )
  })

  test('where no drivers are within reach it says so, with the line that fetches them', async () => {
    const nas = site().storages.get('NASAccess')!
    nas.nodes = ['pve3']
    const plan = await stage.say('vm create win preset:windows-10 node:pve1 --explain')
    expect(field(plan, 'By hand, in a shell')).toContain('--agent 1')
    expect(field(plan, 'By hand, in a shell')).toContain('--ide0 none,media=cdrom')
    const warnings = plan.fields!.filter(({ name }) => name === 'Warning').map(({ value }) => value)
    const line = /`(storage download [^`]+)`/.exec(warnings.join('\n'))![1]!
    expect(line).toMatch(/virtio-win\.iso storage:local$/)
    delete nas.nodes
    const small = await stage.say('vm create win preset:windows-11 memory:2G --explain')
    expect(JSON.stringify(small.fields)).toContain('Windows 11 does not install with less than 2 cores, 4 GiB')
  })
})

describe('vm cdrom', () => {
  const iso = 'NASAccess:iso/Win11.iso'
  const other = 'NASAccess:iso/virtio-win.iso'

  test('the drive is found by itself, before and after are shown, and a disc elsewhere is warned of', async () => {
    const plan = await stage.say('vm cdrom db1 win11.iso --explain')
    expect(field(plan, 'CD-ROM ide2')).toBe(`empty → ${iso}`)
    expect(field(plan, 'By hand, in a shell')).toBe(`qm set 101 --ide2 ${iso},media=cdrom   # pve1`)
    expect(field(plan, 'Warning')).toBeUndefined()
    const local = await stage.say('vm cdrom db1 alpine-virt-3.22.iso --explain')
    expect(field(local, 'Warning')).toContain('Only pve1 has storage local')
  })

  test('of several drives the only one that can be meant is taken, else it asks with a line that works', () =>
    having(
      101,
      ({ keys }) => Object.assign(keys, { ide2: `${iso},media=cdrom`, ide0: `${other},media=cdrom` }),
      async () => {
        const { error } = await stage.say('vm cdrom db1 eject')
        expect(error).toMatchObject({ code: 'which-drive', hint: 'vm cdrom 101 eject drive:ide0' })
        expect(field(await stage.say(`${error!.hint} --explain`), 'CD-ROM ide0')).toBe(`${other} → empty`)
        expect((await stage.say('vm cdrom db1 debian-12.iso')).error?.code).toBe('which-drive')
        site().guests.get(101)!.keys.ide0 = 'none,media=cdrom'
        expect(field(await stage.say('vm cdrom db1 debian-12.iso --explain'), 'CD-ROM ide0')).toContain('empty → ')
        expect(field(await stage.say('vm cdrom db1 eject --explain'), 'CD-ROM ide2')).toBe(`${iso} → empty`)
        expect(field(await stage.say('vm show db1'), 'CD-ROM ide2')).toContain('vm cdrom 101 eject drive:ide2')
      },
    ))

  test('a machine without a drive gets one; a cloud-init drive is none, and a lock refuses', async () => {
    const change = (guest: GuestConfig) =>
      Object.assign(guest.keys, { ide2: 'local-lvm:vm-101-cloudinit,media=cdrom,size=4M' })
    await having(101, change, async () => {
      expect((await stage.say('vm cdrom db1 eject')).error?.code).toBe('no-drive')
      expect(field(await stage.say('vm cdrom db1 win11.iso --explain'), 'CD-ROM ide0')).toBe(`not there → ${iso}`)
      site().guests.get(101)!.lock = 'backup'
      expect((await stage.say('vm cdrom db1 win11.iso')).error?.code).toBe('guest-locked')
    })
  })
})

describe('a decision holds only for what it was made on', () => {
  test('a configuration that changed while it waited needs a new decision', async () => {
    const card = await stage.say('vm delete db1')
    const before = stage.enqueued.length
    await having(
      101,
      ({ keys }) => {
        keys.cores = 4
      },
      async () => {
        const { message } = await stage.click(card.key, 'confirm')
        expect(message.text).toContain('The cluster changed while this was waiting')
        expect(message.actions?.map(({ id }) => id)).toEqual(['confirm', 'cancel'])
        expect(stage.enqueued.length).toBe(before)
      },
    )
  })

  test('what turned up meanwhile is told in the words of the command', async () => {
    const card = await stage.say('vm delete db1')
    await underHa('vm:101', async () => {
      const { reply } = await stage.click(card.key, 'confirm')
      expect(reply?.error).toMatchObject({ code: 'under-ha', says: expect.stringContaining('db1') })
      expect(reply?.title).toBe('vm delete db1')
    })
  })

  test('deleting needs another person; the asker alone is not enough', async () => {
    const card = await stage.say('vm delete db1')
    const { message } = await stage.click(card.key, 'confirm')
    expect(message.actions?.map(({ id }) => id)).toEqual(['approve', 'reject', 'cancel'])
    expect((await stage.click(card.key, 'approve')).reply?.error?.code).toBe('own-approval')
    const before = stage.enqueued.length
    await stage.click(card.key, 'approve', 'ana')
    expect(stage.enqueued.slice(before)).toMatchObject([
      { worker: 'guest-delete', payload: { vmid: 101, name: 'db1' }, approvedBy: ['web:ana'] },
    ])
  })
})

describe('what is shown', () => {
  test('vm list by node and by state', async () => {
    const names = async (line: string) => (await stage.say(line, 'viewer')).table?.rows.map(([, name]) => name)
    expect(await names('vm list running:true')).toEqual(['web1'])
    expect(await names('vm list running:no node:pve1')).toContain('db1')
    expect((await stage.say('vm list node:pve2', 'viewer')).text).toContain('vm list')
  })

  test('vm show tells disks, network and the CD-ROM drive', async () => {
    const card = await stage.say('vm show web1', 'viewer')
    expect(field(card, 'State')).toMatch(/^running, /)
    expect(field(card, 'Disk scsi0')).toBe('local-lvm:vm-100-disk-0, 1 GiB')
    expect(field(card, 'CD-ROM ide2')).toBe('empty')
    expect(field(card, 'Network net0')).toMatch(/^virtio on vmbr0, BC:24:11/)
  })

  test('what needs a role is not told to people without one; help and whoami are', async () => {
    expect((await stage.say('vm show web1', 'nobody')).error?.code).toBe('not-allowed')
    expect((await stage.say('whoami', 'nobody')).title).toBe('You are web:nobody')
    const help = await stage.say('help', 'nobody')
    expect(help.table?.rows.map(([command]) => command)).toEqual(['help', 'language', 'whoami'])
    expect(field(help, 'With the role operator')).toContain('vm create')
  })
})

describe('language', () => {
  test('is remembered, and --explain remembers nothing', async () => {
    await stage.say('language es --explain')
    expect((await stage.say('language')).title).toBe('I answer you in English')
    expect((await stage.say('language es')).title).toBe('Te respondo en español')
    expect((await stage.say('vm start web9')).error?.says).toContain('Ninguna máquina')
  })
})
