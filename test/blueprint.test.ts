import { describe, expect, test } from 'vitest'
import { parseBlueprint, writeBlueprint } from '../src/config/blueprint.ts'

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
