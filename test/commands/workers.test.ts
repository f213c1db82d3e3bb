import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig, parseRedisUrl, readEnvironment } from '../../src/config.ts'
import type { Message } from '../../src/core/message.ts'
import { localMembership } from '../../src/membership.ts'
import { startWorker } from '../../src/worker.ts'
import { type Chat, Crew, until } from '../crew.ts'

/** The whole house, with its worker in this process: what people type is done on the simulated cluster. */
let crew: Crew
let chat: Chat
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  crew = await Crew.start({ speed: 20 })
  closers.push(() => crew.close())
  const env = await crew.environment('workers')
  const environment = { ...readEnvironment({ ...env, LOG_LEVEL: 'silent' }), redis: parseRedisUrl(crew.redis.url) }
  const config = loadConfig({ role: 'worker', env })
  const key = Buffer.from(env.QUORUM_KEY!, 'hex')
  const worker = await startWorker({ config, environment, key, membership: localMembership(true) })
  closers.unshift(() => worker.close())
  chat = await crew.bot('workers')
})

afterAll(async () => {
  for (const close of closers) await close()
})

interface Guest {
  vmid: number
  name: string
  node: string
  status: string
}

const guestNamed = async (name: string) => {
  const state = (await (await fetch(`${crew.sim.control}/api/lab`)).json()) as { guests: Guest[] }
  return state.guests.find((guest) => guest.name === name)
}

/** Types a line as the operator, decides what it asks for, and waits for the end of its job. */
async function done(line: string): Promise<Message> {
  const from = Math.max(0, ...(await chat.messages()).map(({ seq }) => seq))
  const newest = async () => (await chat.messages('general', from)).filter(({ author }) => author === 'quorum').at(-1)
  const decided = new Set<string>()
  await chat.say('operator', line)
  return until(async () => {
    const card = await newest()
    if (!card) return undefined
    const { state, actions } = card.message
    for (const { id } of actions ?? []) {
      if (state !== 'waiting' || decided.has(id) || (id !== 'confirm' && id !== 'approve')) continue
      decided.add(id)
      await chat.click(id === 'confirm' ? 'operator' : 'admin', card.id, id)
    }
    return ['ok', 'warning', 'failed', 'refused'].includes(state) ? card.message : undefined
  }, `the end of ${line}`)
}

test('the life of a machine: cloned, started, rebooted, shut down, switched off hard, deleted', async () => {
  const cloned = await done('vm clone debian-12-template name:web1')
  expect(cloned).toMatchObject({ state: 'ok', title: expect.stringMatching(/^Machine web1 \(\d+\) is on pve1$/) })
  const { vmid } = (await guestNamed('web1'))!

  const started = await done('vm start web1')
  expect(started).toMatchObject({ state: 'ok', title: `web1 (${vmid}) on pve1: running` })
  expect(await guestNamed('web1')).toMatchObject({ status: 'running' })
  expect((await done('vm start web1')).error?.code).toBe('already-running')

  const pid = crew.sim.cluster.nodes[0]!.processes.get(vmid)!.pid
  expect(await done('vm reboot web1')).toMatchObject({ state: 'ok', title: expect.stringContaining('running again') })
  expect(crew.sim.cluster.nodes[0]!.processes.get(vmid)!.pid).not.toBe(pid)

  expect(await done('vm shutdown web1')).toMatchObject({ state: 'ok', title: `web1 (${vmid}) on pve1: stopped` })
  expect(await guestNamed('web1')).toMatchObject({ status: 'stopped' })

  await done('vm start web1')
  expect(await done('vm suspend web1')).toMatchObject({ state: 'ok', title: `web1 (${vmid}) on pve1: paused` })
  expect((await done('vm start web1')).error).toMatchObject({ code: 'is-paused', hint: `vm resume ${vmid}` })
  expect(await done(`vm resume ${vmid}`)).toMatchObject({ state: 'ok', title: `web1 (${vmid}) on pve1: running` })
  expect(await done('vm reset web1')).toMatchObject({ state: 'ok', title: expect.stringContaining('was reset') })
  expect(await done('vm stop web1')).toMatchObject({ state: 'ok', title: `web1 (${vmid}) on pve1: stopped` })

  const deleted = await done('vm delete web1')
  expect(deleted).toMatchObject({ state: 'ok', title: `web1 (${vmid}) is deleted` })
  expect(await guestNamed('web1')).toBeUndefined()
  const { volumes } = crew.sim.cluster.nodes[0]!.local.get('local-lvm')!
  expect(volumes.filter((volume) => volume.vmid === vmid)).toEqual([])
})

test('the thesis in three lines: a hierarchy, a machine under it, and HA takes it', async () => {
  await done('vm create thesis node:pve1 storage:Storage disk:1G')
  const { vmid } = (await guestNamed('thesis'))!
  expect(await done('ha prefer grupoHA pve1:3 pve2:2 pve3:1')).toMatchObject({ state: 'ok' })
  const added = await done(`ha add ${vmid} prefer:grupoHA restart:1 relocate:1`)
  expect(added).toMatchObject({ state: 'ok', title: expect.stringContaining(`vm:${vmid}, grupoHA: runs`) })
  expect(await guestNamed('thesis')).toMatchObject({ status: 'running', node: 'pve1' })
  expect(crew.sim.cluster.nodes[0]!.config.ha.rules.get('grupoHA')?.keys.resources).toBe(`vm:${vmid}`)
  expect(await done(`ha remove ${vmid}`)).toMatchObject({ state: 'ok' })
})

test('a machine for Windows 11 is made whole, and its discs can go out one by one', async () => {
  const made = await done('vm create win11 preset:windows-11 node:pve1 storage:Storage iso:Win11.iso')
  const { vmid } = (await guestNamed('win11'))!
  const { keys } = crew.sim.cluster.nodes[0]!.config.guests.get(vmid)!
  const sized = { cores: 2, memory: '4096', scsi0: expect.stringMatching(/^Storage:.*size=64G/) }
  expect(keys).toMatchObject({
    ...sized,
    ...{ ostype: 'win11', bios: 'ovmf', machine: 'q35', agent: '1', scsihw: 'virtio-scsi-single' },
    efidisk0: expect.stringMatching(/pre-enrolled-keys=1/),
    tpmstate0: expect.stringMatching(/version=v2\.0/),
    ide0: expect.stringMatching(/^NASAccess:iso\/virtio-win\.iso,media=cdrom/),
  })
  const line = (drive: string) => `\`/pve vm cdrom ${vmid} eject drive:${drive}\``
  expect(made.fields).toContainEqual({ name: 'Once it is installed', value: `${line('ide2')}, ${line('ide0')}` })
  const ejected = await done(line('ide0').replaceAll('`', ''))
  expect(ejected).toMatchObject({ title: `win11 (${vmid}), drive ide0: empty` })
})

test('the disc goes out of the drive of a machine that runs, and another in, whatever HA does with it', async () => {
  const made = await done('vm create disc node:pve1 storage:Storage disk:1G iso:debian-12.iso')
  const { vmid } = (await guestNamed('disc'))!
  expect(made.fields).toContainEqual({ name: 'Once it is installed', value: `\`/pve vm cdrom ${vmid} eject\`` })
  await done('vm start disc')
  const drive = () => crew.sim.cluster.nodes[0]!.config.guests.get(vmid)!.keys.ide2
  const sent = () => crew.sim.cluster.nodes[0]!.processes.get(vmid)!.keys.ide2
  const ejected = await done(`vm cdrom ${vmid} eject`)
  expect(ejected).toMatchObject({ state: 'ok', title: `disc (${vmid}), drive ide2: empty` })
  expect(ejected.fields).toContainEqual({ name: 'CD-ROM ide2', value: 'NASAccess:iso/debian-12.iso → empty' })
  expect([drive(), sent()]).toEqual(['none,media=cdrom', 'none,media=cdrom'])
  await done(`ha add ${vmid}`)
  expect(await done('vm cdrom disc virtio-win.iso')).toMatchObject({ state: 'ok' })
  expect(drive()).toMatch(/^NASAccess:iso.virtio-win.iso,media=cdrom/)
  delete crew.sim.cluster.nodes[0]!.config.guests.get(vmid)!.keys.ide2
  const added = await done('vm cdrom disc debian-12.iso')
  expect(added).toMatchObject({
    state: 'warning',
    fields: expect.arrayContaining([expect.objectContaining({ name: 'Warning' })]),
  })
  await done(`ha remove ${vmid}`)
})

test('a machine in which nothing answers does not go down, and the next step is to switch it off', async () => {
  await done('vm create mute node:pve2 storage:local-lvm disk:1G')
  const { vmid } = (await guestNamed('mute'))!
  crew.sim.cluster.nodes[0]!.config.guests.get(vmid)!.keys.acpi = 0
  await done('vm start mute')
  const card = await done('vm shutdown mute timeout:5')
  expect(card).toMatchObject({ state: 'failed', error: { code: 'shutdown-timeout' } })
  expect(card.error?.hint).toContain(`vm stop ${vmid}`)
  expect(card.fields).toContainEqual({ name: 'Left behind on the cluster', value: `mute (${vmid}) on pve2: running` })
  expect(await done('vm shutdown mute timeout:5 force:true')).toMatchObject({ state: 'ok' })
})

test('several clones of one template at once are each one machine', async () => {
  const names = ['a', 'b', 'c', 'd'].map((letter) => `twin-${letter}`)
  for (const name of names) await chat.say('operator', `vm clone debian-12-template name:${name} full:true`, 'clones')
  const cards = await until(async () => {
    const seen = (await chat.messages('clones')).filter(({ author }) => author === 'quorum')
    const ended = seen.filter(({ message }) => ['ok', 'failed'].includes(message.state))
    return ended.length === names.length ? ended : undefined
  }, 'all clones')
  expect(cards.map(({ message }) => message.error)).toEqual(names.map(() => undefined))
  const numbers = await Promise.all(names.map(async (name) => (await guestNamed(name))?.vmid))
  expect(new Set(numbers).size).toBe(names.length)
})

test('a machine that was changed after the decision is not deleted', async () => {
  await done('vm create late node:pve3 storage:local-lvm disk:1G')
  const { vmid } = (await guestNamed('late'))!
  const config = crew.sim.cluster.nodes[0]!.config
  const from = Math.max(0, ...(await chat.messages()).map(({ seq }) => seq))
  await chat.say('operator', 'vm delete late')
  const waiting = (action: string) =>
    until(
      async () =>
        (await chat.messages('general', from)).find(({ message }) => message.actions?.some(({ id }) => id === action)),
      action,
    )
  const { id } = await waiting('confirm')
  await chat.click('operator', id, 'confirm')
  await waiting('approve')
  config.guests.get(vmid)!.keys.cores = 7
  await chat.click('admin', id, 'approve')
  const again = await until(
    async () =>
      (await chat.messages('general', from)).find(({ message }) => message.text?.startsWith('The cluster changed')),
    'a new decision',
  )
  expect(again.id).toBe(id)
  expect(await guestNamed('late')).toBeDefined()
})
