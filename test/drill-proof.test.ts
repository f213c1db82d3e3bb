import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { words } from '../src/app.ts'
import { overdueCard } from '../src/core/drill-overdue.ts'
import { trendOf, trendText } from '../src/core/drill-picture.ts'
import { realSeconds, reportCard, reportJson, reportMarkdown } from '../src/core/drill-report.ts'
import type { DrillGuest, DrillReport } from '../src/core/drills.ts'
import { beyond, consequencesOf, mayPass, othersAtWork, standsAgainst } from '../src/ha/drill-changes.ts'
import type { DrillPlan } from '../src/ha/drill-plan.ts'
import type { GateCode } from '../src/ha/gates.ts'
import type { Fate, Outcome } from '../src/ha/impact.ts'
import { provenGroups } from '../src/ha/proven.ts'
import { draw } from '../src/picture/draw.ts'

const day = 24 * 3600
const now = 1_800_000_000

const machine = (sid: string, more: Partial<DrillGuest> = {}): DrillGuest => ({
  ...{ sid, name: `m${sid.slice(3)}`, from: 'pve1', to: 'pve2', predicted: { outcome: 'moves', to: 'pve2' } },
  ...{ downAt: 1020, upAt: 1090, downSeconds: 70, uncertaintySeconds: 2, verdict: 'as-predicted' },
  ...more,
})
const drill = (more: Partial<DrillReport> = {}): DrillReport => ({
  ...{ id: 'j-1', cluster: 'main', node: 'pve1', kind: 'shutdown', by: 'web:ana', startedAt: 1000, endedAt: 1240 },
  ...{ verdict: 'passed', settled: true, lostAt: 1070, backAt: 1180, guests: [machine('vm:100')] },
  timeline: [
    { at: 1070, what: 'pve1 offline' },
    { at: 1080, what: 'vm:100 starting @ pve2' },
    { at: 1092, what: 'vm:100 started @ pve2' },
  ],
  ...more,
})

const rule = (name: string, sids: string[]) => ({
  ...{ rule: name, type: 'node-affinity' as const, resources: sids, nodes: [], strict: false, disabled: false },
})
const site = {
  rules: [rule('grupoHA', ['vm:100', 'vm:101']), rule('web', ['vm:102'])],
  managed: [100, 101, 102, 103].map((vmid) => ({ sid: `vm:${vmid}`, state: 'started' })),
  guests: [100, 101, 102, 103].map((vmid) => ({ vmid, name: `m${vmid}`, node: 'pve1' })),
}
const within = { nowSeconds: now, withinSeconds: 90 * day }

test('a group is as proven as the machine that was proven longest ago; who merely stayed proves nothing', () => {
  const reports = [
    drill({ id: 'j-2', startedAt: now - 10 * day, guests: [machine('vm:100'), machine('vm:102')] }),
    drill({ id: 'j-1', startedAt: now - 100 * day, guests: [machine('vm:100'), machine('vm:101')] }),
    drill({ startedAt: now - day, guests: [machine('vm:103', { predicted: { outcome: 'waits' } })] }),
    drill({ startedAt: now - day, guests: [machine('vm:101', { verdict: 'late' })] }),
  ]
  const groups = provenGroups(site, reports, within)
  expect(groups.map(({ name, overdue, proof }) => [name, overdue, proof?.drill])).toEqual([
    ['grupoHA', true, 'j-1'],
    ['web', false, 'j-2'],
    [undefined, true, undefined],
  ])
  const en = overdueCard(groups, 90, { words: words.en, language: 'en', tz: 'UTC' })
  expect(en).toMatchObject({ state: 'warning', title: '2 HA groups were not proven within 90 days' })
  expect(en.table?.rows.map(([name, , proven]) => [name, proven])).toEqual([
    ['grupoHA', expect.stringContaining('graceful shutdown (j-1)')],
    ['in no group', 'never: m103'],
  ])
  const es = overdueCard(provenGroups(site, [], within), 90, { words: words.es, language: 'es', tz: 'UTC' })
  expect(es.title).toBe('3 grupos de HA no se probaron en los últimos 90 días')
  expect(overdueCard([groups[1]!], 90, { words: words.en, language: 'en', tz: 'UTC' }).state).toBe('ok')
})

test.each(['en', 'es'] as const)('the trend as a picture, its oldest drill first: %s', async (language) => {
  const reader = { words: words[language], language, tz: 'UTC' }
  const reports = Array.from({ length: 12 }, (_, i) =>
    drill({ startedAt: now - i * day, verdict: i ? 'passed' : 'failed' }),
  )
  const trend = trendOf([...reports, drill({ guests: [] })], reader)!
  expect(trend.bars).toHaveLength(8)
  expect(trend.bars.map(({ ok }) => ok)).toEqual([...Array(7).fill(true), false])
  expect(trend.bars.at(-1)?.label).toContain(language === 'en' ? 'graceful shutdown' : 'apagado ordenado')
  expect(trendText(trend, words[language])).not.toContain('\n')
  const png = await draw({ kind: 'trend', trend })
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  expect(png.readUInt32BE(16)).toBe(1920)
  expect(trendOf([], reader)).toBeUndefined()
})

test('the report says how soon people had it, where the time went, and what others measured', () => {
  const answered = [{ incident: 'i-1', ackSeconds: 42 }, { incident: 'i-2' }]
  const report = drill({ answered, mttaSeconds: 42 })
  const reader = { words: words.en, language: 'en', tz: 'UTC' } as const
  const fields = Object.fromEntries(reportCard(report, reader).fields!.map(({ name, value }) => [name, value]))
  expect(fields['Time to acknowledge (MTTA)']).toBe('42 s; i-1 after 42 s; i-2: nobody acknowledged it')
  expect(fields['Where the time went']).toBe('m100: +60 s starting @ pve2 → +72 s started @ pve2')
  expect(fields.Compared).toMatch(/^1 min 10 s here; about 10 s by eye in the thesis; 64 s on a real cluster/)
  const markdown = reportMarkdown(report, reader)
  for (const told of ['MTTA', '64 s on a real cluster', 'It is no crash', '| m100 (vm:100) |'])
    expect(markdown).toContain(told)
  expect(JSON.parse(reportJson(report))).toMatchObject({
    mttaSeconds: 42,
    answered,
    compared: { thesisSeconds: 10, realClusterSeconds: realSeconds },
  })
  const crash = reportCard(drill({ kind: 'power' }), { words: words.es, language: 'es', tz: 'UTC' })
  expect(JSON.stringify(crash.fields)).toContain('120 s después de su última señal de vida')
  expect(JSON.stringify(crash.fields)).toContain('no produjo ningún incidente')
})

test('what a real cluster took is what its record says', () => {
  const file = new URL('recordings/trace-seed-validation.json.gz', import.meta.url)
  type Look = {
    t: number
    ha?: { data: { sid?: string; node: string; state: string }[] }
    cluster?: { data: object[] }
  }
  const looks = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Look[]
  const offline = looks.find(({ cluster }) =>
    JSON.stringify(cluster?.data ?? []).match(/"name":"pve1"[^}]*"online":0|"online":0[^}]*"name":"pve1"/),
  )!
  const again = looks.find(({ ha }) =>
    ha?.data?.some(({ sid, node, state }) => sid === 'vm:101' && node === 'pve2' && state === 'started'),
  )!
  expect(Math.abs(again.t - offline.t - realSeconds)).toBeLessThan(4)
})

const fate = (sid: string, outcome: Outcome): Fate =>
  ({ sid, name: `m${sid.slice(3)}`, from: 'pve1', outcome, code: 'recovered', values: {} }) as unknown as Fate
const plan = (fates: Fate[], gates: [GateCode, 'warn' | 'fail', string?][] = []): DrillPlan =>
  ({
    impact: { fates },
    gates: gates.map(([code, verdict, about = '']) => ({ code, verdict, about })),
    within: 180,
  }) as never
const told = { outcome: (name: string) => name, gate: (code: string) => `gate ${code}` }

test('a scheduled drill is held against what was approved', () => {
  const approved = consequencesOf(
    plan(
      [fate('vm:100', 'moves'), fate('vm:101', 'down'), fate('vm:9', 'off')],
      [
        ['margin', 'warn'],
        ['master', 'warn'],
      ],
    ),
  )
  const same = [fate('vm:100', 'moves')]
  expect(standsAgainst(plan(same), approved, told)).toEqual([])
  expect(beyond(approved, plan([fate('vm:105', 'down')]), told.outcome)).toEqual(['m105 (vm:105): down'])
  expect(beyond(approved, plan([fate('vm:100', 'down')]), told.outcome)).toEqual(['m100 (vm:100): moves → down'])
  // One that was off then goes down now.
  expect(beyond(approved, plan([fate('vm:9', 'down')]), told.outcome)).toEqual(['m9 (vm:9): down'])
  const against = (...gates: [GateCode, 'warn' | 'fail', string?][]) => standsAgainst(plan(same, gates), approved, told)
  // A cluster of three has no vote to spare during any drill: that was agreed to.
  expect(against(['margin', 'warn'], ['master', 'warn'])).toEqual([])
  expect(against(['quorum', 'fail'], ['busy', 'fail', 'vzdump 100'], ['incidents', 'warn', 'i-1'])).toEqual([
    { code: 'margin', about: '' },
    { code: 'busy', about: 'vzdump 100' },
    { code: 'incidents', about: 'i-1' },
  ])
  expect(against(['acpi', 'warn', 'mute'])).toEqual([{ code: 'gate', about: 'gate acpi (mute)' }])
  expect(mayPass(against(['busy', 'fail']))).toBe(true)
  expect(mayPass(against(['busy', 'fail'], ['acpi', 'warn']))).toBe(false)
  const window = { id: 'w', cluster: 'main', from: 10, until: 20, by: 'web:ana' }
  expect(othersAtWork([window], 'main', 15)).toEqual([window])
  expect([othersAtWork([window], 'main', 20), othersAtWork([window], 'lab', 15)]).toEqual([[], []])
})
