import { afterAll, describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../src/config.ts'
import { connect } from '../src/jobs/redis.ts'
import { type Chat, Crew, until } from './crew.ts'

const crews: Crew[] = []

afterAll(() => Promise.all(crews.map((crew) => crew.close())))

/** A cluster, a Redis and a bot for one story: two installations on one cluster would take each other's numbers. */
async function openCrew() {
  const crew = await Crew.start()
  crews.push(crew)
  return { crew, bot: await crew.bot('q') }
}

const guests = async (crew: Crew, name: string) => {
  const state = (await (await fetch(`${crew.sim.control}/api/lab`)).json()) as {
    guests: { name: string; vmid: number }[]
  }
  return state.guests.filter((guest) => guest.name === name)
}

const endsOf = (crew: Crew, type: string) =>
  crew.sim.cluster.nodes
    .flatMap(({ tasks }) => tasks)
    .filter((task) => task.type === type)
    .map(({ exitstatus }) => exitstatus)

/** A full copy of the template takes half a minute at simulated speed 1. */
const clone = async (bot: Chat, name: string) => {
  await bot.say('operator', `vm clone 9000 name:${name} full:true`)
  return bot.card(
    ({ title, progress }) => title.includes(name) && (progress?.percent ?? 0) > 50,
    `${name} to be copied`,
    'general',
    20_000,
  )
}

describe.concurrent('worker processes', () => {
  test('one that is frozen in the middle: another takes over, one machine, and the thawed one does nothing more', async () => {
    const { crew, bot } = await openCrew()
    const first = await crew.worker('q')
    const { message } = await clone(bot, 'frozen.test')
    process.kill(first.pid, 'SIGSTOP')
    const redis = connect(parseRedisUrl(crew.redis.url), 'patient', () => {})
    const lock = `q:jobs:${message.job}:lock`
    const token = await redis.get(lock)
    const second = await crew.worker('q')
    await until(async () => ![null, token].includes(await redis.get(lock)), 'the second to take over')
    process.kill(first.pid, 'SIGCONT')
    crew.sim.cluster.clock.setSpeed(30)
    const ok = await bot.card(({ state }) => state === 'ok', 'the end', 'general', 25_000)
    // Its last word, whatever it had under way.
    await first.stop()
    await second.stop()
    expect((await bot.messages()).find(({ id }) => id === ok.id)).toMatchObject({ message: { state: 'ok' } })
    expect(await guests(crew, 'frozen.test')).toHaveLength(1)
    expect(endsOf(crew, 'qmclone')).toEqual(['OK'])
    redis.disconnect()
    await bot.close()
  })

  test('a click on Cancel reaches the process that runs the job: the Proxmox task is stopped, the rest is listed', async () => {
    const { crew, bot } = await openCrew()
    const worker = await crew.worker('q')
    const card = await clone(bot, 'dropped.test')
    expect(await bot.click('operator', card.id, 'cancel')).toBe(202)
    const { message } = await bot.card(({ state }) => state === 'warning', 'the end', 'general', 25_000)
    expect(message).toMatchObject({ title: expect.stringContaining('Dropped'), text: 'Stopped by web:operator.' })
    const left = message.fields?.find(({ name }) => name === 'Left behind on the cluster')?.value
    expect(endsOf(crew, 'qmclone')).toEqual([expect.stringContaining('interrupted by signal')])
    const machines = await guests(crew, 'dropped.test')
    expect(left).toBe(machines.length === 0 ? 'nothing' : `machine ${machines[0]!.vmid} (dropped.test) on pve1`)
    await worker.stop()
    await bot.close()
  })

  test('a job that failed for want of space runs again by its button, on the same card, once there is space', async () => {
    const { crew, bot } = await openCrew()
    await bot.say('operator', 'vm create roomy node:pve1 disk:Storage:8G vmid:203')
    const { id } = await bot.card(({ state }) => state === 'queued', 'the order', 'general', 20_000)
    const array = crew.sim.cluster.shared.get('lvm:vg_array')!
    array.baseUsed = array.total
    const worker = await crew.worker('q')
    const failed = await bot.card(({ state }) => state === 'failed', 'the failure', 'general', 20_000)
    expect(failed).toMatchObject({ id, message: { error: { code: 'no-space' } } })
    array.baseUsed = 0
    await Promise.all([bot.click('operator', id, 'retry'), bot.click('operator', id, 'retry')])
    const ok = await bot.card(({ state }) => state === 'ok', 'the second run', 'general', 20_000)
    expect(ok.id).toBe(id)
    expect(ok.message.job).toBe(`${failed.message.job}-r1`)
    expect(await guests(crew, 'roomy')).toHaveLength(1)
    await worker.stop()
    await bot.close()
  })

  test('an approval counts no more when the approver has lost the role before the job runs', async () => {
    const { crew, bot } = await openCrew()
    // The worker has been told of the new configuration already.
    const worker = await crew.worker('q', { roles: [{ role: 'operator', who: ['web:operator'] }] })
    await bot.say('operator', 'vm create doomed node:pve1 disk:1G')
    await bot.card(({ state }) => state === 'ok', 'the machine', 'general', 20_000)
    await bot.say('operator', 'vm delete doomed')
    const asked = await bot.card(({ actions }) => actions?.[0]?.id === 'confirm', 'the question', 'general', 20_000)
    await bot.click('operator', asked.id, 'confirm')
    await bot.card(({ actions }) => actions?.[0]?.id === 'approve', 'the wait for an approval', 'general', 20_000)
    await bot.click('admin', asked.id, 'approve')
    const failed = await bot.card(({ state }) => state === 'failed', 'the refusal', 'general', 20_000)
    expect(failed).toMatchObject({ id: asked.id, message: { error: { code: 'not-allowed' } } })
    expect(await guests(crew, 'doomed')).toHaveLength(1)
    await worker.stop()
    await bot.close()
  })
})
