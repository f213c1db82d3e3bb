/** The HA engine of the simulated cluster against what Proxmox's own HA manager did in the same scenarios. */
import { describe, expect, test } from 'vitest'
import type { HaManagerStatus } from '../src/lab/model.ts'
import { commandsOf, scenarios, shotsOf, startOf } from './ha-scenario.ts'
import { World } from './ha-world.ts'

/** Seconds of one round. */
const ROUND = 20

interface Step {
  t: number
  what: string
}

type Story = Map<string, Step[]>

/** What there is to tell: the state of each node and service, beside it what else is known of the service, the master. */
function tell({ node_status, service_status, master_node, disarm }: Partial<HaManagerStatus>): Map<string, string> {
  const now = new Map(Object.entries(node_status ?? {}))
  if (master_node !== undefined) now.set('master', master_node)
  if (disarm) now.set('disarm', `${disarm.state} ${disarm.mode}`)
  for (const [sid, { state, node, uid: _, ...rest }] of Object.entries(service_status ?? {})) {
    now.set(sid, `${state}@${node}`)
    now.set(`more of ${sid}`, JSON.stringify(Object.entries(rest).sort()))
  }
  return now
}

/** Adds to each story what is new in it. */
function note(story: Story, t: number, manager: Partial<HaManagerStatus>) {
  const now = tell(manager)
  for (const key of story.keys()) if (!now.has(key)) now.set(key, 'gone')
  for (const [key, what] of now) {
    const steps = story.get(key) ?? []
    story.set(key, steps)
    if (steps.at(-1)?.what !== what) steps.push({ t, what })
  }
}

async function play(scenario: string): Promise<string[]> {
  const shots = shotsOf(scenario)
  const recorded: Story = new Map()
  for (const shot of shots) note(recorded, shot.t, shot.manager_status)
  const played: Story = new Map()
  const start = startOf(scenario, shots)
  note(played, 0, start.config.manager)
  const world = new World(start)
  await world.play(commandsOf(scenario), shots.at(-1)!.t, () => note(played, world.now, world.config.manager))
  return differences(recorded, played)
}

function differences(recorded: Story, played: Story): string[] {
  const text = (steps: Step[] = []) => steps.map(({ t, what }) => `${t} ${what}`).join(', ')
  return [...new Set([...recorded.keys(), ...played.keys()])].sort().flatMap((key) => {
    const [then, now] = [recorded.get(key) ?? [], played.get(key) ?? []]
    const same =
      then.length === now.length &&
      then.every(({ t, what }, i) => {
        return what === now[i]?.what && Math.abs(t - now[i].t) <= ROUND
      })
    return same ? [] : [`${key}: recorded ${text(then)}; played ${text(now)}`]
  })
}

/** Scenarios in which we differ, and why. */
const DIFFERENT: Record<string, string> = {}

describe('recorded scenarios of the HA manager', () => {
  const table: string[] = []
  for (const scenario of scenarios()) {
    test(scenario, async () => {
      const found = await play(scenario)
      table.push(`${found.length === 0 ? 'agrees ' : 'differs'} ${scenario} ${DIFFERENT[scenario] ?? ''}`)
      if (DIFFERENT[scenario] === undefined) expect(found).toEqual([])
      else expect(found).not.toEqual([])
    })
  }
  test('all of them', () => {
    const agreeing = table.filter((line) => line.startsWith('agrees')).length
    console.log([...table, `${agreeing} of ${table.length} agree`].join('\n'))
    expect(agreeing).toBeGreaterThanOrEqual(60)
  })
})
