import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arg, describeArg, formatSize, parseSize } from '../src/core/args.ts'
import { formatDuration, formatTime } from '../src/core/time.ts'

const KiB = 1024

describe('sizes', () => {
  test.each([
    ['12G', 12 * KiB ** 3],
    ['12g', 12 * KiB ** 3],
    ['12GB', 12 * KiB ** 3],
    ['12GiB', 12 * KiB ** 3],
    ['12 G', 12 * KiB ** 3],
    ['1.5T', 1.5 * KiB ** 4],
    ['512M', 512 * KiB ** 2],
    ['512', 512 * KiB ** 2],
    ['4K', 4 * KiB],
  ])('%s', (text, bytes) => expect(parseSize(text, 'M')).toBe(bytes))

  test('a bare number counts in what Proxmox counts it in', () => expect(parseSize('32', 'G')).toBe(32 * KiB ** 3))

  test.each(['', '0', '-1G', 'G', '1,5G', '1e9', '12X', '12GG', 'NaN', '9999999999T', '١٢G'])('%j is no size', (text) =>
    expect(parseSize(text, 'G')).toBeUndefined(),
  )

  test('what is written for a size is read as nearly that size', () => {
    fc.assert(
      fc.property(fc.integer({ min: KiB, max: 2 ** 50 }), (bytes) => {
        const read = parseSize(formatSize(bytes), 'M')!
        expect(Math.abs(read - bytes) / bytes).toBeLessThan(0.006)
      }),
    )
  })

  test('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseSize(text, 'G')))
  })
})

describe('kinds', () => {
  test.each([
    ['web1', true],
    ['web-1.example.org', true],
    ['a', true],
    ['-web', false],
    ['web-', false],
    ['web_1', false],
    ['web..1', false],
    ['a b', false],
    ['x'.repeat(64), false],
    ['ñandú', false],
  ])('the name %s fits: %s', (name, fits) => expect(arg.name().safeParse(name).success).toBe(fits))

  test.each([
    ['yes', true],
    ['sí', true],
    ['SI', true],
    ['1', true],
    ['no', false],
    ['off', false],
    ['maybe', undefined],
    ['constructor', undefined],
    ['__proto__', undefined],
  ])('the boolean %s is %s', (text, value) => expect(arg.boolean().safeParse(text).data).toBe(value))

  test('whole numbers keep to their bounds', () => {
    const kind = arg.integer({ min: 1, max: 512 })
    expect(['1', '512', '0', '513', '1.5', '1e2', ' 7 ', ''].map((text) => kind.safeParse(text).data)).toEqual([
      ...[1, 512, undefined, undefined, undefined, undefined],
      ...[7, undefined],
    ])
  })

  test('a disk is a size, with or without the storage before it', () => {
    expect(arg.disk().parse('32')).toEqual({ bytes: 32 * KiB ** 3 })
    expect(arg.disk().parse('local-lvm:8G')).toEqual({ storage: 'local-lvm', bytes: 8 * KiB ** 3 })
    expect(arg.disk().safeParse(':8G').success).toBe(false)
  })

  test('what is known of an argument outlives its wrappers', () => {
    expect(describeArg(arg.choice(['a', 'b']).optional())).toMatchObject({ kind: 'choice', required: false })
    expect(describeArg(arg.size({ bare: 'M' }).prefault('2G'))).toMatchObject({ kind: 'size', default: '2G' })
    expect(describeArg(arg.vmid())).toMatchObject({ kind: 'vmid', required: true, min: 100, max: 999_999_999 })
  })
})

describe('times', () => {
  test.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [124, '2 min 4 s'],
    [3600, '1 h'],
    [3660, '1 h 1 min'],
    [3605, '1 h'],
    [90_000, '1 d 1 h'],
    [86_400, '1 d'],
    [-5, '0 s'],
  ])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text))

  test('a moment is told in the zone and the language of the reader', () => {
    const ms = Date.UTC(2025, 0, 2, 3, 4, 5)
    expect(formatTime(ms, { language: 'en', tz: 'America/Guayaquil' })).toMatch(/^1 Jan.*22:04:05/)
    expect(formatTime(ms, { language: 'es', tz: 'UTC' })).toMatch(/^2 ene.*03:04:05.*UTC/)
  })
})
