import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Chain } from '../src/audit/chain.ts'
import { redact } from '../src/audit/redact.ts'
import { Trail } from '../src/audit/trail.ts'
import { verify } from '../src/audit/verify.ts'
import type { AuditEntry, AuditFault, Head } from '../src/core/audit.ts'
import { type Entry, MemoryLog } from './fixtures/memory-log.ts'

const key = Buffer.alloc(32, 7)
const chain = new Chain(key, 'main')

const entry = (i: number): AuditEntry => ({
  kind: (['asked', 'confirmed', 'approved', 'ordered', 'effect', 'upid', 'ended'] as const)[i % 7]!,
  who: 'web:ana',
  target: 'web:general',
  cluster: 'main',
  line: `vm delete máquina-${i} \ufffd`,
  plan: { title: `Delete ${i}`, hash: 'abc', fields: [{ name: 'Disks', value: 'scsi0' }] },
  approvals: ['slack:U1'],
  upids: [`UPID:pve1:0000A1B2:0012C3D4:69219A00:qmdestroy:${i}:quorum@pve!bot:`],
  result: 'ok',
})

async function chained(count: number, by = chain) {
  const log = new MemoryLog(by, (identity) => (identity === 'slack:U1' ? 'luis' : undefined))
  const heads: Head[] = []
  for (let i = 1; i <= count; i++) {
    await log.append(entry(i))
    heads.push(log.head)
  }
  return { log, heads, kept: log.kept }
}

const faults = async (kept: readonly Entry[], heads: Head[] = []): Promise<AuditFault[]> =>
  (await verify(chain, kept, { heads })).faults

const parts = ['entry', 'prev', 'mac'] as const

describe('a chain', () => {
  test('is whole as it was written, and tells its head', async () => {
    const { kept, heads } = await chained(9)
    expect(await verify(chain, kept, { heads })).toEqual({ entries: 9, first: 1, head: heads[8], heads: 9, faults: [] })
    expect(await verify(chain, [], {})).toEqual({ entries: 0, heads: 0, faults: [] })
  })

  test('has each entry whole: who, as which human, what, when, in which order', async () => {
    const { kept } = await chained(2)
    const records = kept.map((one) => chain.open(one))
    const { who: _who, approvals: _approvals, ...rest } = entry(2)
    expect(records[1]).toEqual({
      ...rest,
      seq: 2,
      at: '2026-01-02T03:04:05.000Z',
      who: { identity: 'web:ana' },
      approvals: [{ identity: 'slack:U1', person: 'luis' }],
    })
  })

  test('shows a change of any one byte of any entry, and where it is', async () => {
    const { kept } = await chained(5)
    for (const [i, one] of kept.entries()) {
      for (const part of parts) {
        for (let at = 0; at < one[part].length; at++) {
          const bytes = Buffer.from(one[part])
          bytes[at] = bytes[at]! ^ (1 + ((i + at) % 255))
          const changed = kept.with(i, { ...one, [part]: bytes })
          expect(await faults(changed), `${part} ${at} of entry ${i + 1}`).toEqual([
            { code: 'changed', from: i + 1, to: i + 1 },
          ])
        }
      }
    }
  })

  test('shows any bytes in the place of others, also those that read as the same text', async () => {
    const { kept } = await chained(6)
    const change = fc.record({
      i: fc.nat(kept.length - 1),
      part: fc.constantFrom(...parts),
      from: fc.nat(),
      cut: fc.nat(4),
      bytes: fc.uint8Array({ maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ i, part, from, cut, bytes }) => {
        const one = kept[i]!
        const before = Buffer.from(one[part])
        const at = from % (before.length + 1)
        const after = Buffer.concat([before.subarray(0, at), bytes, before.subarray(at + cut)])
        fc.pre(!after.equals(before))
        const changed = kept.with(i, { ...one, [part]: after })
        expect(await faults(changed)).toEqual([{ code: 'changed', from: i + 1, to: i + 1 }])
      }),
      { numRuns: 500 },
    )
    // U+FFFD is what a decoder makes of a byte that is none: the two would look the same as text.
    const one = kept[2]!
    const at = Buffer.from(one.entry).indexOf('\ufffd')
    const broken = Buffer.concat([one.entry.subarray(0, at), Buffer.from([0xff]), one.entry.subarray(at + 3)])
    expect(broken.toString()).toBe(Buffer.from(one.entry).toString())
    expect(await faults(kept.with(2, { ...one, entry: broken }))).toEqual([{ code: 'changed', from: 3, to: 3 }])
  })

  test('shows which entries were taken out', async () => {
    const { kept, heads } = await chained(8)
    expect(await faults(kept.toSpliced(3, 1))).toEqual([{ code: 'missing', from: 4, to: 4 }])
    expect(await faults(kept.toSpliced(0, 3))).toEqual([{ code: 'missing', from: 1, to: 3 }])
    expect(await faults(kept.filter((_, i) => i !== 1 && i !== 5))).toEqual([
      { code: 'missing', from: 2, to: 2 },
      { code: 'missing', from: 6, to: 6 },
    ])
    expect(await faults(kept.slice(0, 5), [heads[7]!])).toEqual([{ code: 'cut', from: 6, to: 8 }])
    expect(await faults([], [heads[7]!])).toEqual([{ code: 'cut', from: 1, to: 8 }])
  })

  test('shows what was moved, repeated or put in', async () => {
    const { kept } = await chained(8)
    const swapped = kept.with(2, kept[3]!).with(3, kept[2]!)
    expect(await faults(swapped)).toEqual([{ code: 'moved', from: 3, to: 3 }])
    const toTheEnd = [...kept.toSpliced(1, 1), kept[1]!]
    expect(await faults(toTheEnd)).toEqual([{ code: 'moved', from: 2, to: 2 }])
    expect(await faults([...kept, kept[4]!])).toEqual([{ code: 'inserted', from: 5, to: 5 }])
    const forged: Entry = { ...kept[4]!, mac: Buffer.from(randomBytes(32).toString('base64url')) }
    expect(await faults(kept.toSpliced(4, 0, forged))).toEqual([{ code: 'inserted', from: 5, to: 5 }])
    expect(await faults(kept.toSpliced(4, 0, forged, forged, forged))).toEqual([{ code: 'inserted', from: 5, to: 5 }])
    expect(await faults([...kept, forged])).toEqual([{ code: 'changed', from: 9, to: 9 }])
    const other = await chained(8, new Chain(key, 'other'))
    expect(await faults(kept.with(3, other.kept[3]!)), 'of another installation').toEqual([
      { code: 'changed', from: 4, to: 4 },
    ])
  })

  test('any one loss, repetition or exchange is found', async () => {
    const { kept, heads } = await chained(10)
    const order = fc.shuffledSubarray([...kept.keys()], { minLength: 0 })
    await fc.assert(
      fc.asyncProperty(order, async (order) => {
        fc.pre(order.length < kept.length || order.some((seq, i) => seq !== i))
        const tampered = order.map((i) => kept[i]!)
        expect(await faults(tampered, [heads.at(-1)!])).not.toEqual([])
      }),
    )
  })

  test('written anew by another key is found as a whole', async () => {
    const { kept } = await chained(8, new Chain(randomBytes(32), 'main'))
    expect(await faults(kept)).toEqual([{ code: 'other-key', from: 1, to: 8 }])
  })

  test('written anew by our own key is found by any head that was kept, between two of them', async () => {
    const { kept, heads } = await chained(8)
    const log = new MemoryLog(chain)
    for (const i of kept.keys()) await log.append(i < 4 ? entry(i + 1) : { ...entry(i + 1), who: 'web:eva' })
    const rewritten = kept.slice(0, 4).concat(log.kept.slice(4))
    // Without people's names the entries differ from the first: all of it is another chain.
    expect(await faults(log.kept)).toEqual([])
    expect(await faults(log.kept, [heads[7]!])).toEqual([{ code: 'rewritten', from: 1, to: 8 }])
    expect(await faults(log.kept, [heads[2]!, heads[7]!])).toEqual([{ code: 'rewritten', from: 1, to: 3 }])
    expect(await faults(rewritten, [])).toEqual([{ code: 'unlinked', from: 5, to: 5 }])
    const grafted = new MemoryLog(chain)
    grafted.head = heads[3]!
    for (const i of [5, 6, 7, 8]) await grafted.append({ ...entry(i), who: 'web:eva' })
    const graft = kept.slice(0, 4).concat(grafted.kept)
    expect(await faults(graft), 'nothing inside of the chain tells').toEqual([])
    expect(await faults(graft, [heads[1]!, heads[5]!, heads[7]!])).toEqual([{ code: 'rewritten', from: 3, to: 6 }])
  })

  test('whose oldest entries were let go stands on the last of them, and still shows what is missing', async () => {
    const { log, heads } = await chained(9)
    const day = 24 * 3600_000
    log.now += day
    await log.append(entry(10))
    log.now += day
    await log.append(entry(11))
    const trail = new Trail(chain, log, () => heads)
    expect(await trail.letGo(log.now - day)).toBe(9)
    expect(await trail.verify()).toMatchObject({ entries: 2, first: 10, heads: 1, faults: [] })
    log.kept.shift()
    expect((await trail.verify()).faults).toEqual([{ code: 'missing', from: 10, to: 10 }])
    expect(await trail.letGo(0)).toBe(0)
  })

  test('lets nothing go that somebody has changed', async () => {
    const { log } = await chained(4)
    log.kept[1]!.entry = Buffer.from('{}')
    const trail = new Trail(chain, log, () => [])
    expect(await trail.letGo(Number.MAX_SAFE_INTEGER)).toBe(1)
    expect((await trail.verify()).faults).toEqual([{ code: 'changed', from: 2, to: 2 }])
  })

  test('shows an entry that was changed to whoever looks for another', async () => {
    const { log } = await chained(4)
    log.kept[2]!.entry = Buffer.from(log.kept[2]!.entry.toString().replace('ana', 'eva'))
    const trail = new Trail(chain, log, () => [])
    const listed = await trail.list(({ seq }) => seq === 2, 10)
    expect(listed.map(({ seq, record }) => [seq, record?.kind])).toEqual([
      [2, 'approved'],
      [3, undefined],
    ])
  })

  test('takes no text for a head that is none', async () => {
    const trail = new Trail(chain, (await chained(1)).log, () => [])
    for (const head of ['', '1', '1.x', `1.${'x'.repeat(44)}`, `-1.${'x'.repeat(43)}`]) {
      await expect(trail.verify([head]), head).rejects.toMatchObject({ code: 'bad-head' })
    }
  })
})

describe('secrets', () => {
  const secrets: [line: string, secret: string][] = [
    ['host add pve3 password:hunter2secret', 'hunter2secret'],
    ['host add pve3 --root-password "two words"', 'two words'],
    ['x token=quorum@pve!bot=f0a9b1c2-1111-2222-3333-444455556666', 'f0a9b1c2-1111-2222-3333-444455556666'],
    ['PVEAPIToken=quorum@pve!bot=abcdefabcdef', 'abcdefabcdef'],
    ['my slack is xoxb-123456789012-abcdefghijklmnop', 'xoxb-123456789012-abcdefghijklmnop'],
    ['redis://default:s3cr3t@10.0.0.1:6379', 's3cr3t'],
    ['Authorization: Bearer abcdefgh12345678', 'abcdefgh12345678'],
    ['curl https://hooks.slack.com/services/T0/B0/xyz', 'T0/B0/xyz'],
    [`key ${Buffer.alloc(32, 5).toString('hex')}`, Buffer.alloc(32, 5).toString('hex')],
    ['x $6$salt$hashhashhash', '$6$salt$hashhashhash'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'eyJzdWIiOiIxIn0'],
    ['contraseña:clave-del-mar', 'clave-del-mar'],
  ]

  test.each(secrets)('%s is written without its secret', async (line, secret) => {
    const log = new MemoryLog(chain)
    const fields = [{ name: 'Line', value: line }]
    await log.append({ kind: 'asked', line, plan: { title: line, hash: 'abc', fields } })
    const { entry } = log.kept[0]!
    expect(entry.toString()).toContain('[secret]')
    expect(entry.toString()).not.toContain(secret)
  })

  test.each([
    'vm create name:web1 iso:debian-12.iso cores:2 memory:4G disk:32G',
    'vm clone 9000 name:web-server-of-the-second-building.example.org full:true',
    'iso download url:https://example.org/debian-12.7.0-amd64-netinst.iso checksum:sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    'job show j-4f2a9c8b7d6e5f4a3b2c',
  ])('%s stays as it is', (line) => expect(redact(line)).toBe(line))
})
