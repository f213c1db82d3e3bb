import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { JobView } from '../../src/core/worker.ts'
import { Stage } from './stage.ts'

let stage: Stage

const upid = 'UPID:pve1:0000A1B2:0012C3D4:69219A00:qmclone:9000:quorum@pve!bot:'

const view = (more: Partial<JobView>): JobView => ({
  id: 'j-abc123',
  worker: 'vm-clone',
  title: 'Clone debian as web5',
  cluster: 'main',
  requester: 'slack:U1',
  state: 'running',
  locks: [],
  createdAt: Date.UTC(2025, 0, 2, 3, 4, 5),
  upids: [upid],
  ...more,
})

beforeAll(async () => {
  stage = await Stage.open()
})

beforeEach(() => {
  stage.jobs.views = [view({ progress: { step: 3, of: 4, percent: 62 } })]
  stage.jobs.asked.length = 0
})

afterAll(() => stage.close())

test('a job is found by its id, with and without j-, and by its beginning', async () => {
  for (const given of ['j-abc123', 'abc123', 'j-abc', 'ABC', '']) {
    expect((await stage.say(`job show ${given}`, 'viewer')).title, given).toBe('Clone debian as web5')
  }
  stage.jobs.views.push(view({ id: 'j-abc999' }))
  expect((await stage.say('job show abc', 'viewer')).error?.code).toBe('unknown-job')
})

test('the list shows where each stands, in the zone of the reader', async () => {
  stage.jobs.views.push(
    view({ id: 'j-2', state: 'waiting-for-lock', locks: [{ name: 'main:guest:100', owner: 'j-abc123' }] }),
    view({ id: 'j-3', state: 'failed', endedAt: Date.UTC(2025, 0, 2, 3, 5) }),
  )
  const { table } = await stage.say('job list', 'viewer')
  expect(table?.rows.map(([, , state]) => state)).toEqual([
    'running, step 3 of 4, 62 %',
    'waiting for another job, behind j-abc123',
    'failed',
  ])
  expect(table?.rows[0]?.slice(3, 5)).toEqual(['ana', expect.stringContaining('03:04:05 UTC')])
  const es = await stage.say('job list live:true', 'ana')
  expect(es.table?.rows.map(([id]) => id)).toEqual(['j-abc123', 'j-2'])
  expect(es.table?.rows[0]?.[4]).toContain('22:04:05')
})

test('a failed job is shown with the reason, in the words of its worker, and the line of Proxmox', async () => {
  stage.jobs.views = [
    view({
      worker: 'guest-power',
      state: 'failed',
      endedAt: Date.UTC(2025, 0, 2, 3, 5),
      error: { code: 'not-back', values: { name: 'web1', vmid: 100 }, raw: 'unexpected status' },
    }),
  ]
  const { error, state } = await stage.say('job show', 'viewer')
  expect(state).toBe('failed')
  expect(error).toEqual({
    code: 'not-back',
    says: 'The reboot ended well, but web1 (100) is not running again.',
    hint: 'vm start 100',
    raw: 'unexpected status',
  })
})

test('the log is shown as it was written, and what is not there is said', async () => {
  expect((await stage.say('job log abc123', 'viewer')).text).toContain('No task')
  stage.jobs.logs['j-abc123'] = ['one', 'two', 'three']
  expect((await stage.say('job log abc123 lines:2', 'viewer')).log).toEqual(['two', 'three'])
})

test('cancel asks for the stop; --explain and a viewer do not', async () => {
  expect((await stage.say('job cancel abc123', 'viewer')).error?.code).toBe('not-allowed')
  const plan = await stage.say('job cancel abc123 --explain')
  expect(plan.fields?.at(-2)?.value).toBe(`pvesh delete /nodes/pve1/tasks/${upid}`)
  expect(stage.jobs.asked).toEqual([])
  expect((await stage.say('job cancel abc123')).state).toBe('ok')
  expect(stage.jobs.asked).toEqual(['cancel j-abc123 by web:operator'])
})

test('what has ended is not cancelled; what runs or went well is not repeated', async () => {
  expect((await stage.say('job retry abc123')).error?.code).toBe('not-ended')
  stage.jobs.views = [view({ state: 'ok', endedAt: 1 })]
  expect((await stage.say('job cancel abc123')).error).toMatchObject({
    code: 'already-ended',
    hint: 'job show j-abc123',
  })
  expect((await stage.say('job retry abc123')).error?.code).toBe('went-well')
  stage.jobs.views = [view({ state: 'failed', endedAt: 1 })]
  expect((await stage.say('job retry abc123')).text).toContain('j-abc123-r1')
  expect(stage.jobs.asked).toEqual(['retry j-abc123 by web:operator'])
})
