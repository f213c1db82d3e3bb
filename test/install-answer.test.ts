import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { answerKeys, answerSchema, isSince, type Release, spelt } from '../src/core/answer-schema.ts'
import { filesystems } from '../src/core/install.ts'
import { Secret } from '../src/core/secret.ts'
import { answerFile, type Install } from '../src/install/answer.ts'

const hash = '$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2'
const install: Install = {
  ...{ fqdn: 'pve4.lab.test', keyboard: 'es', country: 'ec', timezone: 'America/Guayaquil', mailto: 'admin@lab.test' },
  ...{ passwordHash: new Secret(hash), filesystem: 'ext4', disk: { serial: 'S4EVNF0M1' }, mac: 'bc:24:11:0a:0b:0c' },
}
const fixed = { cidr: '10.0.0.4/24', gateway: '10.0.0.1', dns: '10.0.0.1' }
const told = { url: 'https://10.0.0.10:8486/installed/x', fingerprint: Array(32).fill('AB').join(':') }
const release = (text: string): Release => ({ major: Number(text.split('.')[0]), minor: Number(text.split('.')[1]) })
type Sections = Record<string, Record<string, unknown>>

describe.each(['8.3', '8.4', '9.0', '9.1', '9.2'])('for an installer of %s', (name) => {
  test.each(
    filesystems.flatMap((filesystem) => [
      { filesystem, network: {} },
      { filesystem, network: fixed },
    ]),
  )('$filesystem, $network: every key is documented, in its spelling', ({ filesystem, network }) => {
    const text = answerFile({ ...install, filesystem, ...network }, told, release(name))
    const answer = parse(text) as Sections
    expect(answerSchema(release(name)).safeParse(answer)).toMatchObject({ success: true })
    const [hyphen, underscore] = [/[a-z]-[a-z]/, /[a-z]_[a-z]/]
    const keys = ['global', 'disk-setup', 'post-installation-webhook'].flatMap((section) =>
      Object.keys(answer[section]!),
    )
    const never = isSince(release(name), { major: 9, minor: 0 }) ? underscore : hyphen
    expect(keys.filter((key) => never.test(key))).toEqual([])
    // What udev calls its own properties is left alone.
    expect(answer['disk-setup']!.filter).toEqual({ ID_SERIAL_SHORT: 'S4EVNF0M1' })
  })
})

/** As the documentation writes them, each with one thing that the installer would refuse. */
const good = (): Sections => parse(answerFile({ ...install, ...fixed }, told, release('9.2'))) as Sections
const spoilt: [string, string, (answer: Sections) => void][] = [
  ['a key that nobody knows', '9.2', ({ global }) => Object.assign(global!, { 'root-pasword': 'x' })],
  ['underscores beside hyphens', '9.2', ({ global }) => Object.assign(global!, { root_password_hashed: hash })],
  ['a keyboard that is not there', '9.2', ({ global }) => Object.assign(global!, { keyboard: 'es-la' })],
  ['a country in capitals', '9.2', ({ global }) => Object.assign(global!, { country: 'EC' })],
  ['a zone that is not there', '9.2', ({ global }) => Object.assign(global!, { timezone: 'America/Azogues' })],
  ['two passwords', '9.2', ({ global }) => Object.assign(global!, { 'root-password': 'long enough' })],
  ['an address without a card', '9.2', ({ network }) => void delete network!.filter],
  ['an address by DHCP', '9.2', ({ network }) => Object.assign(network!, { source: 'from-dhcp' })],
  ['two ways to a disk', '9.2', (answer) => Object.assign(answer['disk-setup']!, { 'disk-list': ['sda'] })],
  ['no disk', '9.2', (answer) => void delete answer['disk-setup']!.filter],
  ['another filesystem’s options', '9.2', (answer) => Object.assign(answer['disk-setup']!, { zfs: { raid: 'raid0' } })],
  ['ZFS without its raid', '9.2', (answer) => Object.assign(answer['disk-setup']!, { filesystem: 'zfs' })],
  [
    'a short fingerprint',
    '9.2',
    (a) => Object.assign(a['post-installation-webhook']!, { 'cert-fingerprint': 'AB:CD' }),
  ],
  ['a subscription key too early', '9.1', ({ global }) => Object.assign(global!, { 'subscription-key': 'pve4c-1' })],
  ['pinned names too early', '9.0', ({ network }) => Object.assign(network!, { 'interface-name-pinning': {} })],
  ['hyphens too early', '8.4', () => {}],
]

test.each(spoilt)('%s (%s) is refused', (_, name, spoil) => {
  const answer = good()
  spoil(answer)
  expect(answerSchema(release(name)).safeParse(answer).success).toBe(false)
})

test('a release without hashed passwords is named, and what does not fit by its place alone', () => {
  expect(() => answerFile(install, told, release('8.2'))).toThrow(/installer-too-old.*8\.2/)
  const wrong = { ...install, country: 'Ecuador' }
  expect(() => answerFile(wrong, told, release('9.2'))).toThrow(/answer-misfit.*global\.country/)
  expect(() => answerFile(wrong, told, release('9.2'))).not.toThrow(hash)
})

test('what every section is called does not change, and keys with hyphens are the only ones that did', () => {
  const changed = Object.values(answerKeys).flatMap((keys) =>
    Object.keys(keys).filter((key) => spelt(key, release('8.4')) !== spelt(key, release('9.0'))),
  )
  expect(changed.every((key) => key.includes('-'))).toBe(true)
  expect(changed).toContain('root-password-hashed')
})
