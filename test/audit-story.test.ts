import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAudit } from '../src/app.ts'
import { parseRedisUrl } from '../src/config.ts'
import { connect, type Redis } from '../src/jobs/redis.ts'
import { Crew, until } from './crew.ts'

const prefix = 'audited'
let crew: Crew
let bot: Awaited<ReturnType<Crew['bot']>>
let redis: Redis
let env: Record<string, string>

beforeAll(async () => {
  crew = await Crew.start({ speed: 50 })
  bot = await crew.bot(prefix)
  await crew.worker(prefix)
  env = await crew.environment(prefix)
  redis = connect(parseRedisUrl(crew.redis.url), 'patient', () => {})
})

afterAll(async () => {
  redis?.disconnect()
  await crew?.close()
})

/** The whole trail, oldest first, read with the key of this world. */
async function trail() {
  const key = Buffer.from(env.QUORUM_KEY!, 'hex')
  const { trail } = openAudit({ redis, prefix, key, dataDir: crew.folder })
  return (await trail.list(() => true, 1000)).map(({ record }) => record!)
}

/** `quorum audit verify`, as somebody at the machine types it. */
const verify = (...args: string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, ['dist/src/cli.js', 'audit', 'verify', ...args], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out: out + err }),
    )
  })

const ended = (title: string) => bot.card((card) => card.state === 'ok' && card.title.includes(title), title)

test('vm delete: asked, confirmed, not by oneself, approved by another, done; all of it stands in the trail in order', async () => {
  await bot.say('operator', 'vm create victim node:pve1 disk:1G')
  await ended('victim')
  const before = (await trail()).length
  await bot.say('operator', 'vm delete victim')
  const card = await bot.card((message) => message.actions?.[0]?.id === 'confirm', 'the question')
  await bot.click('operator', card.id, 'confirm')
  await bot.card((message) => message.actions?.[0]?.id === 'approve', 'the wish for an approval')
  await bot.click('operator', card.id, 'approve')
  await bot.card((message) => message.error?.code === 'own-approval', 'the refusal')
  await bot.click('admin', card.id, 'approve')
  await bot.card((message, { id }) => id === card.id && message.state === 'ok', 'the end')
  const story = (await trail()).slice(before)
  expect(story.map(({ kind, who, action, result }) => [kind, who?.identity, action ?? result])).toEqual([
    ['asked', 'web:operator', undefined],
    ['confirmed', 'web:operator', 'confirm'],
    ['refused', 'web:operator', 'approve'],
    ['approved', 'web:admin', 'approve'],
    ['ordered', 'web:operator', undefined],
    ['started', 'web:operator', undefined],
    ['effect', 'web:operator', undefined],
    ['upid', 'web:operator', undefined],
    ['ended', 'web:operator', 'ok'],
  ])
  const [asked, confirmed, refused, approved, ordered, , effect, task, end] = story
  const plan = { title: expect.stringContaining('victim'), hash: expect.stringMatching(/^\w{20}$/) }
  expect(asked).toMatchObject({ path: 'vm delete', line: 'vm delete victim', cluster: 'main', plan })
  expect(asked?.target).toBe('web:general')
  expect(refused?.result).toBe('own-approval')
  expect(new Set([asked, confirmed, approved, ordered].map((one) => one?.plan?.hash)).size).toBe(1)
  expect(ordered?.approvals).toEqual([{ identity: 'web:admin' }])
  expect(effect?.effect).toMatchObject({ node: 'pve1', types: ['qmdestroy'] })
  expect(task?.upids?.[0]).toMatch(/^UPID:pve1:.*:qmdestroy:\d+:/)
  expect(end?.upids).toEqual(task?.upids)
  expect(new Set(story.slice(4).map(({ job }) => job))).toEqual(new Set([ordered?.job]))
  expect(story.map(({ seq }) => seq)).toEqual(story.map((_, i) => before + 1 + i))
}, 120_000)

test('no secret stands in the trail, however it was typed', async () => {
  const line = 'vm create web9 password:hunter2secret token=quorum@pve!bot=f0a9b1c2-1111-2222-3333-444455556666'
  await bot.say('operator', line)
  await until(async () => (await trail()).some(({ line = '' }) => line.includes('web9')), 'the refusal in the trail')
  const all = JSON.stringify(await redis.xrange(`${prefix}:audit`, '-', '+'))
  expect(all).toContain('vm create web9 password:[secret] token=[secret]')
  const { readToken, token } = crew.sim
  const secrets = ['hunter2secret', 'f0a9b1c2', env.QUORUM_KEY!, readToken.secret, token.secret]
  for (const secret of secrets) expect(all).not.toContain(secret)
})

test('an admin lists, exports and checks the trail in the chat; nobody else does', async () => {
  await bot.say('admin', 'audit list most:50', 'audit')
  const { message } = await bot.card(({ table }) => table !== undefined, 'the list', 'audit')
  expect(message.table?.rows.map((row) => row[3])).toEqual(
    expect.arrayContaining(['asked', 'approved', 'sent to Proxmox', 'job ended']),
  )
  await bot.say('admin', 'audit export json who:web:admin', 'audit')
  const exported = await bot.card(({ log }) => log !== undefined, 'the export', 'audit')
  const entries = exported.message.log!.map((line) => JSON.parse(line) as { kind: string; mac: string })
  expect(entries.map(({ kind }) => kind)).toEqual(['approved', 'ordered'])
  expect(entries[0]?.mac).toMatch(/^[\w-]{43}$/)
  await bot.say('admin', 'audit verify', 'audit', 'es')
  await bot.card(({ title, fields }) => title.includes('íntegra') && fields?.length === 1, 'the check', 'audit')
  await bot.say('operator', 'audit list', 'audit')
  await bot.card(({ error }) => error?.code === 'not-allowed', 'the refusal', 'audit')
})

test('a process that starts notes the head in a file, and the first of a day posts it; the file finds a cut alone', async () => {
  const second = await crew.bot(prefix, { channels: [{ post: ['web:heads'], language: 'es' }] })
  const posted = await second.card(({ fields }) => fields?.[0]?.name === 'Sello', 'the head of the day', 'heads')
  await second.close()
  const head = posted.message.fields![0]!.value
  const file = join(crew.folder, 'audit-head.log')
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  expect(lines.at(-1)).toMatch(new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\S+Z ${prefix} ${head}$`))
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const rows = await redis.xrange(`${prefix}:audit`, '-', '+')
  await redis.xtrim(`${prefix}:audit`, 'MAXLEN', 0)
  const cut = await verify()
  expect(cut.out).toContain(`The end was cut off: entries 1 to ${head.split('.')[0]} are missing`)
  expect(cut.code).toBe(1)
  await redis.del(`${prefix}:audit`)
  for (const [id, fields] of rows) await redis.xadd(`${prefix}:audit`, id, ...fields)
}, 60_000)

test('quorum audit verify: 0 while it is whole, 1 and the place after any changed byte or a cut', async () => {
  const whole = await verify()
  expect(whole.out).toMatch(/is whole: \d+ entries/)
  expect(whole.code).toBe(0)
  const head = /^Head: (\S+)$/m.exec(whole.out)?.[1] ?? ''
  expect(await verify('--head', head)).toMatchObject({ code: 0 })
  expect((await verify('--head', 'nonsense')).code).toBe(1)
  const rows = await redis.xrange(`${prefix}:audit`, '-', '+')
  const rewrite = async (entries: typeof rows) => {
    await redis.del(`${prefix}:audit`)
    for (const [id, fields] of entries) await redis.xadd(`${prefix}:audit`, id, ...fields)
  }
  const [id, fields] = rows[4]!
  await rewrite(rows.with(4, [id, fields.with(1, fields[1]!.replace('web:operator', 'web:0perator'))]))
  const changed = await verify()
  expect(changed.out).toContain('Entries 5 to 5 were changed')
  expect(changed.code).toBe(1)
  await rewrite(rows.slice(0, -2))
  const cut = await verify('--head', head)
  expect(cut.out).toContain(`entries ${rows.length - 1} to ${rows.length} are missing`)
  expect(cut.code).toBe(1)
  await rewrite(rows)
  expect((await verify()).code).toBe(0)
})
