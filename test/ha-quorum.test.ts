import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quorumOf } from '../src/ha/quorum.ts'

const members = (...online: boolean[]) => online.map((on, i) => ({ name: `pve${i + 1}`, online: on }))
const votes = (...counts: number[]) => counts.map((count, i) => ({ name: `pve${i + 1}`, votes: count }))

test.each([
  ['a lone host', true, members(true), votes(1), { expected: 1, needed: 1, margin: 0 }],
  ['two nodes', true, members(true, true), votes(1, 1), { expected: 2, needed: 2, margin: 0 }],
  ['three nodes', true, members(true, true, true), votes(1, 1, 1), { expected: 3, needed: 2, margin: 1 }],
  ['two of three', true, members(true, true, false), votes(1, 1, 1), { present: 2, margin: 0, offline: ['pve3'] }],
  ['one of three', false, members(true, false, false), votes(1, 1, 1), { present: 1, quorate: false, margin: 0 }],
  ['five nodes', true, members(true, true, true, true, true), votes(1, 1, 1, 1, 1), { needed: 3, margin: 2 }],
  ['the heavy one goes first', true, members(true, true, true), votes(3, 1, 1), { expected: 5, needed: 3, margin: 0 }],
  ['without corosync.conf, a vote each', true, members(true, true, true), [], { expected: 3, margin: 1 }],
])('%s', (_, quorate, who, counts, expected) => expect(quorumOf(quorate, who, counts)).toMatchObject(expected))

test('where corosync says otherwise, the margin is not known', () => {
  expect(quorumOf(true, members(true, false), votes(1, 1))).not.toHaveProperty('margin')
  expect(quorumOf(false, members(true, true, true), votes(1, 1, 1))).not.toHaveProperty('margin')
})

test('after losing as many as the margin says there is a majority; one more of the heaviest, and there is none', () => {
  const cluster = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(cluster, (counts) => {
      const { margin, needed } = quorumOf(true, members(...counts.map(() => true)), votes(...counts))
      const left = counts.toSorted((a, b) => b - a)
      const after = (gone: number) => left.slice(gone).reduce((sum, count) => sum + count, 0)
      expect(after(margin!)).toBeGreaterThanOrEqual(needed)
      expect(after(margin! + 1)).toBeLessThan(needed)
    }),
  )
})
