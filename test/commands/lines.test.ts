import { expect, test } from 'vitest'
import { faultOf, linesIn, textsOfCode, textsOfPage } from '../suggested-lines.ts'
import { catalogue } from './stage.ts'

const texts = [...textsOfCode(), ...textsOfPage('README.md')]
const suggested = texts.flatMap((text) => linesIn(text, catalogue).map((line) => ({ at: text.at, ...line })))

test('every command line that a text, a hint or a report suggests can be typed', () => {
  expect(suggested.length).toBeGreaterThan(300)
  const faults = suggested.flatMap((one) => {
    const fault = faultOf(one, catalogue)
    return fault === undefined ? [] : [`${one.at}: \`${one.line}\`: ${fault}`]
  })
  expect(faults).toEqual([])
})

const hint = (text: string) => linesIn({ text, isHint: true }, catalogue).map((line) => faultOf(line, catalogue))
const text = (text: string) => linesIn({ text, isHint: false }, catalogue).map((line) => faultOf(line, catalogue))

test('a line that does not exist is found, wherever it stands', () => {
  const gone = [expect.stringContaining('vm eject')]
  expect(hint('vm eject {vmid}   # then again')).toEqual(gone)
  expect(text('It holds a disc. First: vm eject MACHINE, or shared storage')).toEqual(gone)
  expect(text('Type `/pve vm eject {vmid}` and look.')).toEqual(gone)
  expect(hint('vm create {name} dsik:32G')).toEqual([expect.stringContaining('unknown-argument')])
  expect(hint('ha set {guest} state:on')).toEqual([expect.stringContaining('state does not take on')])
  expect(hint('vm start {vmid} now')).toEqual([expect.stringContaining('left-over')])
  expect(hint('vm start {vmid}   # it waits')).toEqual([undefined])
})
