import { expect, test } from 'vitest'
import { words } from '../src/app.ts'
import { bandsOf } from '../src/core/drill-picture.ts'
import { reportCard, reportMarkdown } from '../src/core/drill-report.ts'
import type { DrillReport } from '../src/core/drills.ts'
import { type DrillLook, isSeen, measured, recorded, type Steady, stopOf, verdictOf } from '../src/ha/drill.ts'
import { type GateCode, type GateFacts, gatesOf } from '../src/ha/gates.ts'
import { type Fate, impactOf, type Site } from '../src/ha/impact.ts'

const nodes = ['pve1', 'pve2', 'pve3'].map((name) => ({ name, online: true, memory: 0, maxMemory: 0 }))
const guest = (sid: string, more: object = {}) => ({
  ...{ sid, name: sid, node: 'pve1', running: true, memory: 0, onBoot: false, listens: true, hindrances: [] },
  ...more,
})
const site = (more: Partial<Site> = {}): Site => ({
  nodes,
  quorate: true,
  votes: [],
  qdeviceVotes: 0,
  disarmed: false,
  policy: 'conditional',
  affinities: { preferences: [], bonds: [] },
  guests: [guest('vm:100')],
  managed: [{ sid: 'vm:100', wanted: 'started', failback: true, maxRelocate: 1, node: 'pve1', state: 'started' }],
  ...more,
})

function facts(more: Partial<GateFacts> = {}): GateFacts {
  const { kind = 'shutdown', site: of = site() } = more
  return {
    ...{ kind, site: of, impact: impactOf(of, { node: 'pve1', kind }), lrm: 'active', hasServices: true, tasks: [] },
    ...{
      jobs: [],
      accepted: [],
      lives: [],
      means: { power: true, network: true, storage: true, restore: 'lab' },
      incidents: [],
    },
    expectsNothing: false,
    ...more,
  }
}

const closed = (of: GateFacts, verdict = 'fail') =>
  gatesOf(of).flatMap((gate) => (gate.verdict === verdict ? [gate.code] : []))

test.each<[string, Partial<GateFacts>, GateCode[]]>([
  ['all is well', {}, []],
  ['reboot under conditional moves nothing', { kind: 'reboot' }, ['moves-nothing']],
  ['unless that is the hypothesis', { kind: 'reboot', expectsNothing: true }, []],
  [
    'a guest that is not under HA',
    { site: site({ guests: [guest('vm:100'), guest('vm:7', { name: 'alone' })] }) },
    ['not-ha'],
  ],
  [
    'accepted by name',
    { site: site({ guests: [guest('vm:100'), guest('vm:7', { name: 'alone' })] }), accepted: ['Alone'] },
    [],
  ],
  ['migrate without its policy', { kind: 'migrate' }, ['policy']],
  ['disarmed', { site: site({ disarmed: true }) }, ['armed', 'moves-nothing']],
  ['an agent that has no lock', { lrm: 'wait_for_agent_lock' }, ['lrm']],
  ['a backup', { tasks: ['vzdump 100'] }, ['busy']],
  ['another job', { jobs: ['j-1'] }, ['jobs']],
  ['the bot lives there', { lives: ['bot'] }, ['lives']],
  [
    'no hand at the plug',
    { kind: 'power', means: { power: false, network: false, storage: false, restore: 'person' } },
    ['means'],
  ],
  ['two nodes', { site: site({ nodes: nodes.slice(0, 2) }) }, ['quorum', 'moves-nothing']],
])('gates: %s', (_, more, codes) => expect(closed(facts(more))).toEqual(codes))

test('what warns: the last margin, what hears no request, a person who must start the node', () => {
  const of = facts({
    site: site({ guests: [guest('vm:100', { listens: false })] }),
    means: { power: false, network: false, storage: false, restore: 'person' },
  })
  expect(closed(of, 'warn')).toEqual(['margin', 'acpi', 'restore'])
})

const steady: Steady = {
  at: 1000,
  online: ['pve1', 'pve2', 'pve3'],
  running: { 'vm:100': 'pve1', 'vm:200': 'pve2' },
  errors: ['vm:9'],
  impact: impactOf(site(), { node: 'pve1', kind: 'shutdown' }),
  managed: ['vm:100', 'vm:200'],
}
const look = (more: Partial<DrillLook> = {}): DrillLook => ({
  now: 1100,
  seenAt: 1100,
  quorate: true,
  online: ['pve2', 'pve3'],
  services: {
    'vm:100': { node: 'pve2', state: 'started' },
    'vm:200': { node: 'pve2', state: 'started' },
    'vm:9': { node: 'pve3', state: 'error' },
  },
  running: { 'vm:100': { node: 'pve2', uptime: 10 } },
  tasks: [],
  ...more,
})

test.each<[string, Partial<DrillLook>, string | undefined]>([
  ['nothing', {}, undefined],
  ['another node', { online: ['pve2'] }, 'another-node'],
  ['quorum', { quorate: false }, 'quorum-gone'],
  ['a guest in error that was not', { services: { 'vm:100': { node: 'pve2', state: 'error' } } }, 'guest-error'],
  ['a guest that nobody foretold', { services: { 'vm:200': { node: 'pve2', state: 'fence' } } }, 'unpredicted'],
])('stops for %s', (_, more, code) => expect(stopOf(steady, look(more))?.code).toBe(code))

test('seen when the node is gone and what moves runs elsewhere, by its own node', () => {
  expect(isSeen(steady, look(), 1050)).toBe(true)
  expect(isSeen(steady, look(), undefined)).toBe(false)
  expect(isSeen(steady, look({ running: {} }), 1050)).toBe(false)
  expect(isSeen(steady, look({ services: { 'vm:100': { node: 'pve2', state: 'starting' } } }), 1050)).toBe(false)
})

const fate = steady.impact.fates[0]!
const task = (type: string, node: string, starttime: number, endtime: number) => ({
  type,
  node,
  id: '100',
  starttime,
  endtime,
  exit: 'OK',
})

const cut = (at: number) => ({ at, slack: 1 })

test('measured by the tasks that did it, else by the uptime', () => {
  const tasks = [
    task('qmshutdown', 'pve1', 1005, 1020),
    task('qmstart', 'pve2', 1085, 1090),
    task('qmstart', 'pve2', 100, 101),
  ]
  expect(measured(fate, steady, look({ tasks }), cut(1030), 2)).toEqual({
    to: 'pve2',
    downAt: 1020,
    upAt: 1090,
    downSeconds: 70,
    downSlack: 1,
    uncertaintySeconds: 2,
  })
  expect(measured(fate, steady, look(), cut(1002), 2)).toMatchObject({
    downAt: 1002,
    upAt: 1090,
    uncertaintySeconds: 4,
  })
  expect(measured(fate, steady, look({ running: {} }), cut(1002), 2)).toEqual({ downAt: 1002, downSlack: 2 })
  const live: Fate = { ...fate, outcome: 'migrates' }
  expect(
    measured(live, steady, look({ running: { 'vm:100': { node: 'pve2', uptime: 5000 } } }), cut(1002), 2),
  ).toMatchObject({ downSeconds: 0 })
})

test('what the node wrote down itself takes the place of an estimate, once it is back', () => {
  const seen = measured(fate, steady, look(), { at: 1045, slack: 20 }, 2)
  expect(seen).toMatchObject({ downSeconds: 45, uncertaintySeconds: 23 })
  const end = { node: 'pve1', since: 1200 }
  expect(recorded(fate, steady, seen, [task('qmshutdown', 'pve1', 1005, 1062)], end)).toEqual({
    ...{ to: 'pve2', downAt: 1062, upAt: 1090, downSeconds: 28, downSlack: 1, uncertaintySeconds: 3 },
  })
  expect(recorded(fate, steady, seen, [], end)).toEqual(seen)
})

test('one that waited for its node was down until it ran there again: by its start, else by its uptime', () => {
  const waits: Fate = { ...fate, outcome: 'waits' }
  const seen = measured(waits, steady, look({ running: {} }), cut(1030), 2)
  const tasks = [task('qmshutdown', 'pve1', 1005, 1020), task('qmstart', 'pve1', 1180, 1184)]
  const end = { node: 'pve1', since: 1183.4 }
  expect(recorded(waits, steady, seen, tasks, end)).toMatchObject({ downSeconds: 164, uncertaintySeconds: 2 })
  expect(recorded(waits, steady, seen, tasks.slice(0, 1), end)).toMatchObject({ downAt: 1020, upAt: 1183.4 })
  expect(recorded(waits, steady, seen, tasks, undefined)).toEqual({ downAt: 1020, downSlack: 1 })
})

test.each([
  [{ to: 'pve2', downSeconds: 70 }, 'as-predicted'],
  [{ to: 'pve2', downSeconds: 700 }, 'late'],
  [{ to: 'pve3', downSeconds: 70 }, 'elsewhere'],
  [{}, 'not-back'],
  [{ to: 'pve2' }, 'unknown'],
])('%o is %s', (seen, verdict) => expect(verdictOf(fate, seen, 180)).toBe(verdict))

const report: DrillReport = {
  ...{ id: 'j-1', cluster: 'main', node: 'pve1', kind: 'shutdown', by: 'web:ana', startedAt: 1000, endedAt: 1240 },
  ...{ verdict: 'passed', settled: true, lostAt: 1070, backAt: 1180 },
  timeline: [{ at: 1070, what: 'pve1 offline' }],
  guests: [
    {
      ...{ sid: 'vm:100', name: 'Win|11', from: 'pve1', predicted: { outcome: 'moves', to: 'pve2' }, to: 'pve2' },
      ...{ downAt: 1020, upAt: 1090, downSeconds: 70, uncertaintySeconds: 2, verdict: 'as-predicted' },
    },
  ],
}

test('a report in both languages, as Markdown, and as what a picture of it shows', () => {
  const reader = { words: words.es, language: 'es', tz: 'UTC' } as const
  expect(reportCard(report, reader)).toMatchObject({
    title: 'Simulacro j-1: pve1, apagado ordenado: aprobado',
    state: 'ok',
  })
  expect(reportMarkdown(report, { ...reader, words: words.en, language: 'en' })).toContain(
    '| Win\\|11 (vm:100) | starts on pve2 | pve2 | 1 min 10 s ± 2 s | as foretold |',
  )
  const { rows, to } = bandsOf(report, words.en)
  expect(to).toBe(240_000)
  expect(rows.map(({ name, spans }) => [name, spans.map(({ state }) => state)])).toEqual([
    ['pve1', ['leaving', 'down', 'up']],
    ['Win|11 (vm:100)', ['up', 'down', 'up']],
  ])
})
