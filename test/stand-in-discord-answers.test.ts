import { describe, expect, test } from 'vitest'
import { choiceProblems, fitProblems, modalProblems } from './stand-ins/discord/answer-rules.ts'
import { specProblems } from './stand-ins/discord/spec.ts'

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const button = { type: 2, style: 1, label: 'Go', custom_id: 'a' }
const label = (component: object, more: object = {}) => ({ type: 18, label: 'Name', component, ...more })
const input = (customId: string, more: object = {}) => ({ type: 4, style: 1, custom_id: customId, ...more })
const modal = (...components: object[]) => ({ custom_id: 'm', title: 'Form', components })
const menu = (values: string[]) => ({
  type: 3,
  custom_id: 's',
  options: values.map((value) => ({ label: value, value })),
})

describe('an answer to an interaction is refused with', () => {
  const problems = (type: number, data: object, rules: (data: unknown) => string[]) =>
    [...specProblems('create_interaction_response', { type, data }).problems, ...rules(data)].join('\n')

  test.each([
    ['6 fields', modal(...many(6, (i) => label(input(`f${i}`)))), /6 components, at most 5/],
    ['a title of 46', { ...modal(label(input('a'))), title: 'x'.repeat(46) }, /title: too_big/],
    ['a label of 46', modal(label(input('a'), { label: 'x'.repeat(46) })), /label: too_big/],
    ['one custom_id twice', modal(label(input('a')), label(input('a'))), /two fields have one custom_id/],
    ['a value over max_length', modal(label(input('a', { value: 'xx', max_length: 1 }))), /longer than max_length/],
    ['26 options', modal(label(menu(many(26, String)))), /options: too_big/],
    ['two options of one value', modal(label(menu(['a', 'a']))), /two options have one value/],
    ['a button', modal({ type: 1, components: [button] }), /invalid/],
  ])('%s in a modal', (_, data, says) => {
    expect(problems(9, data, modalProblems)).toMatch(says)
  })

  test.each([
    ['26 choices', { choices: many(26, (i) => ({ name: `${i}`, value: `${i}` })) }, /at most 25|too_big/],
    ['a name of 101', { choices: [{ name: 'x'.repeat(101), value: 'a' }] }, /1 to 100 characters/],
    ['a value of 101', { choices: [{ name: 'a', value: 'x'.repeat(101) }] }, /1 to 100 characters/],
    ['an empty name', { choices: [{ name: '', value: 'a' }] }, /1 to 100 characters/],
  ])('%s', (_, data, says) => {
    expect(problems(8, data, choiceProblems)).toMatch(says)
  })

  test('a response that does not fit', () => {
    expect(fitProblems(2, 5, false)).toEqual([])
    expect(fitProblems(2, 6, false)).toHaveLength(1)
    expect(fitProblems(4, 5, false)).toHaveLength(1)
    expect(fitProblems(5, 9, true)).toHaveLength(1)
    expect(fitProblems(5, 6, false)).toHaveLength(1)
    expect(fitProblems(5, 6, true)).toEqual([])
    expect(specProblems('create_interaction_response', { type: 77 }).problems).toHaveLength(1)
  })
})
