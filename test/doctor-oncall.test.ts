import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Language } from '../src/core/language.ts'
import { type OncallLook, oncallChecks } from '../src/doctor/oncall-checks.ts'
import { speaker } from '../src/doctor/speaking.ts'
import { openToolDoctor } from '../src/doctor.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorum-doctor-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What is found about being on call; nothing else of this world answers. */
async function found(more: object, language: Language = 'en') {
  const file = join(folder, 'quorum.json')
  const token = { id: 'quorum@pve!bot', secret: '11111111-2222-4333-8444-555555555555' }
  const cluster = {
    name: 'main',
    endpoints: ['https://127.0.0.1:1'],
    token,
    tls: { fingerprints: [`${'AB:'.repeat(31)}AB`] },
  }
  await writeFile(file, JSON.stringify({ clusters: [cluster], ...more }))
  const { examine, close } = await openToolDoctor({ QUORUM_CONFIG: file, QUORUM_DATA: folder })
  try {
    const checks = await examine({ language, signal: AbortSignal.timeout(10_000) })
    const about = ['On call', 'Pager', 'Heartbeat', 'Guardia', 'Buscapersonas', 'Latido']
    return checks.filter(({ what }) => about.includes(what))
  } finally {
    await close()
  }
}

test('nobody would learn of it: said, with what to write, in both languages', async () => {
  const checks = await found({})
  expect(checks.map(({ what, verdict }) => `${what} ${verdict}`)).toEqual([
    'On call warn',
    'Pager warn',
    'Heartbeat warn',
  ])
  expect(checks.every(({ next }) => next.length === 1)).toBe(true)
  const spanish = await found({}, 'es')
  expect(spanish.map(({ what }) => what)).toEqual(['Guardia', 'Buscapersonas', 'Latido'])
})

test('the bot, which holds its secret, says whether the pager is heard', () => {
  const say = speaker('en')
  const of = (pager: OncallLook['pager']) => oncallChecks({ people: [], pager, hasHeartbeat: true }, say)[1]
  expect(of('one-way')).toMatchObject({ verdict: 'warn', found: expect.stringContaining('hookSecret') })
  expect(of('both-ways')).toMatchObject({ verdict: 'pass' })
})

test('somebody in the rotation whom no platform that is on reaches', async () => {
  const config = {
    chat: { web: { listen: '127.0.0.1:0', signIn: 'none' } },
    people: [
      { name: 'ana', ids: ['web:ana'] },
      { name: 'luis', ids: ['slack:U2'] },
    ],
    oncall: { rotation: { everyone: ['ana', 'luis'] }, pager: { url: 'https://pager.example/v2/enqueue', key: 'k' } },
    heartbeat: { url: 'https://beat.example/1', every: '60s' },
  }
  const [rotation, pager, heartbeat] = await found(config)
  expect(rotation).toMatchObject({ verdict: 'fail', found: expect.stringMatching(/^luis: in the rotation/) })
  expect(pager).toMatchObject({ verdict: 'pass', found: expect.stringContaining('the running bot knows') })
  expect(heartbeat).toMatchObject({ verdict: 'pass' })
  config.people[1]!.ids = ['web:luis']
  expect((await found(config)).map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass'])
})
