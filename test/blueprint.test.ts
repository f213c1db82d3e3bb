import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseBlueprint, writeBlueprint } from '../src/config/blueprint.ts'
import { labBlueprints } from '../src/config.ts'
import { Crew } from './crew.ts'

const good = `
cluster: { name: pvecluster, first: pve1, join: [pve2] }
guests: [{ id: 100, name: web1, node: pve1, memory: 1.5G, disk: Storage:8G }]
ha: { prefer: { home: { pve1: 2 } }, guests: [{ guest: 100, prefer: home }] }
validate: [{ drill: shutdown, node: pve1, expect: { 100: pve2 } }]
`

describe('the file', () => {
  test('what is left out has its default, and what is written reads the same again', () => {
    const read = parseBlueprint(good)
    if ('faults' in read) throw new Error(JSON.stringify(read.faults))
    expect(read.blueprint.guests[0]).toMatchObject({ cores: 1, disk: { storage: 'Storage', size: '8G' } })
    expect(read.blueprint.ha.guests[0]).toMatchObject({ maxRestart: 1, maxRelocate: 1, state: 'started' })
    expect(parseBlueprint(writeBlueprint(read.blueprint))).toEqual(read)
  })

  test('all faults at once, each on its line', () => {
    const read = parseBlueprint(`
cluster: { name: "no spaces here", first: pve1, joins: [pve2] }
storage:
  - { id: NAS, type: nfs, server: 10.0.0.1 }
  - { id: NAS2, type: floppy }
guests:
  - { id: 99, name: web_1, node: pve1, disk: 8G }
  - 7
ha: { guests: { guest: 100 } }
`)
    expect('faults' in read && read.faults.map(({ line, path, code }) => `${line} ${path} ${code}`)).toEqual([
      '2 cluster.name wrong',
      '2 cluster.joins unknown-key',
      '4 storage[0].export missing',
      '5 storage[1].type wrong',
      '7 guests[0].id wrong',
      '7 guests[0].name wrong',
      '7 guests[0].disk wrong',
      '8 guests[1] map',
      '9 ha.guests list',
    ])
  })

  test('names that are given twice or name nothing; broken YAML', () => {
    const guest = '{ id: 100, name: a, node: pve1, disk: S:1G }'
    const read = parseBlueprint(`guests:\n  - ${guest}\n  - ${guest}\nha:\n  guests: [{ guest: 100, prefer: no }]\n`)
    expect('faults' in read && read.faults.map(({ line, code }) => `${line} ${code}`)).toEqual([
      '3 twice',
      '5 unknown-name',
    ])
    expect(parseBlueprint('guests: [{ id: 100')).toMatchObject({ faults: [{ line: 1, code: 'syntax' }] })
  })
})

describe('applied', () => {
  let crew: Crew

  beforeAll(async () => {
    crew = await Crew.start({ speed: 30 })
  })
  afterAll(() => crew.close())

  test('killed -9 on the way, every part is done once; applied again nothing is sent', async () => {
    const chat = await crew.bot('blueprint', { blueprints: labBlueprints })
    let worker = await crew.worker('blueprint')
    await chat.say('operator', 'blueprint apply lab')
    const waiting = await chat.card(
      ({ actions }) => actions?.some(({ id }) => id === 'confirm') === true,
      'the question',
    )
    expect(waiting.message.fields).toContainEqual({ name: 'Storage NASAccess (nfs)', value: 'already so' })
    await chat.click('operator', waiting.id, 'confirm')
    await chat.card(({ progress }) => progress?.of === 4 && progress.step >= 2, 'the second part')
    await worker.kill9()
    worker = await crew.worker('blueprint')
    const done = await chat.card(({ state }) => state === 'ok' || state === 'failed', 'the end', 'general', 60_000)
    expect(done.id).toBe(waiting.id)
    expect(done.message).toMatchObject({ state: 'ok', title: 'Blueprint lab: done, 4 steps' })
    const { config } = crew.sim.cluster.nodes[0]!
    expect([...config.guests.keys()].sort()).toEqual([500, 501, 9000])
    expect(config.ha.rules.get('grupoHA')?.keys).toMatchObject({ resources: 'vm:500' })

    const calls = () => crew.sim.cluster.nodes.flatMap(({ tasks }) => tasks).length
    const before = { tasks: calls(), ha: JSON.stringify([...config.ha.resources]) }
    await chat.say('operator', 'blueprint apply lab', 'again')
    const again = await chat.card(({ table }) => table !== undefined, 'the answer', 'again')
    expect(again.message).toMatchObject({ state: 'ok', title: 'Blueprint lab: nothing to do' })
    expect(again.message.table?.rows.map(([, state]) => state)).toEqual(Array.from({ length: 9 }, () => 'already so'))
    expect({ tasks: calls(), ha: JSON.stringify([...config.ha.resources]) }).toEqual(before)

    // Somebody changes what the blueprint says: it is told, and nothing of the rest is begun.
    config.guests.get(500)!.keys.cores = 4
    await chat.say('operator', 'blueprint apply lab', 'changed')
    const changed = await chat.card(({ error }) => error !== undefined, 'the refusal', 'changed')
    expect(changed.message.error).toMatchObject({
      code: 'blueprint-cannot',
      says: 'Machine thesis (500) on pve1: it is there, and different: cores 4, not 2. Nothing has been touched.',
    })
    await Promise.all([worker.stop(), chat.close()])
  })
})
