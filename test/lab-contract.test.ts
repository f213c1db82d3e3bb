/** What Proxmox's schema promises, on every endpoint of the simulator: parameters, rights, logins. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRoutes } from '../src/lab/api.ts'
import type { EndpointFacts, ParamFacts } from '../src/lab/schema/facts.ts'
import { loadSchema } from '../src/lab/schema/load.ts'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { type Answer, Player } from './replay.ts'

const schema = loadSchema('9.2')

/** Good values for what stands in paths; the thing itself need not exist. */
const PATH_VALUES: Record<string, string> = {
  ...{ node: 'pve1', vmid: '9000', userid: 'quorum@pve', tokenid: 'bot', roleid: 'PVEAdmin', groupid: 'g1' },
  ...{ poolid: 'p1', realm: 'pam', iface: 'vmbr0', service: 'pveproxy', sid: 'vm:9000', rule: 'r1', group: 'g1' },
  ...{ storage: 'local', volume: 'local:iso/x.iso', snapname: 's1', id: 'i1', command: 'x', name: 'n1' },
  upid: 'UPID:pve1:00000001:00000001:6B035A00:qmstart:100:root@pam:',
}

interface Endpoint {
  key: string
  method: string
  path: string
  facts: EndpointFacts
  /** Parameters that are not in the path. */
  params: [name: string, facts: ParamFacts][]
}

const endpoints: Endpoint[] = [...allRoutes().values()].map(({ method, path: template }) => {
  const facts = schema.endpoints[template]?.[method]
  if (!facts) throw new Error(`no schema for ${method} ${template}`)
  const inPath = new Set([...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''))
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => PATH_VALUES[name] ?? `no-value-for-${name}`)
  const params = Object.entries(facts.params).filter(([name]) => !inPath.has(name))
  return { key: `${method} ${template}`, method, path, facts, params }
})

let sim: RunningSim
let player: Player

beforeAll(async () => {
  sim = await startSim({ port: 0, seed: 3, speed: 1000 })
  const user = sim.cluster.nodes[0]!.config.access.users.get('quorum@pve')
  user?.tokens.set('none', {
    tokenid: 'none',
    secret: 'b3e7d5b4-0000-4000-8000-000000000000',
    privsep: true,
    expire: 0,
  })
  player = new Player(sim)
})
afterAll(async () => {
  player.close()
  await sim.close()
})

function call({ method, path }: Endpoint, auth: string, params: Record<string, string> = {}): Promise<Answer> {
  const recording = { seq: '', name: '', node: 'pve1', auth, method, path, params, encoding: null }
  return player.send({ ...recording, status: 0, reason: '', contentType: null, elapsedMs: 0, body: null })
}

const errorsOf = ({ body }: Answer) => (body as { errors?: Record<string, string> } | null)?.errors ?? {}
const ROOT = 'ticket+csrf'

describe.each(endpoints)('$key', (endpoint) => {
  const { facts, params } = endpoint

  test('an unknown parameter is refused', async ({ skip }) => {
    if (facts.additionalProperties) skip('takes any parameter')
    const answer = await call(endpoint, ROOT, { 'no-such-thing': '1' })
    expect(answer).toMatchObject({ status: 400, reason: 'Parameter verification failed.' })
    const text = 'property is not defined in schema and the schema does not allow additional properties'
    expect(errorsOf(answer)).toMatchObject({ 'no-such-thing': text })
  })

  const required = params.filter(([, { optional, typeProperty }]) => !optional && typeProperty === undefined)
  test.runIf(required.length > 0)('a missing parameter is refused', async () => {
    const answer = await call(endpoint, ROOT)
    expect(answer.status).toBe(400)
    const missing = required.map(([name]) => [name, 'property is missing and it is not optional'])
    expect(errorsOf(answer)).toMatchObject(Object.fromEntries(missing))
  })

  const typed = params.filter(([name, { type, enum: values }]) => {
    const plain = !name.includes('[n]')
    return plain && (Array.isArray(values) || type === 'integer' || type === 'number' || type === 'boolean')
  })
  test.runIf(typed.length > 0)('a parameter of the wrong type is refused', async () => {
    const answer = await call(endpoint, ROOT, Object.fromEntries(typed.map(([name]) => [name, 'bogus'])))
    expect(answer.status).toBe(400)
    for (const [name, { type, enum: values, typeProperty, requires, format }] of typed) {
      const said = errorsOf(answer)[name]
      // These depend on other parameters or have checks of their own before.
      if (typeProperty !== undefined || requires !== undefined || (values && format)) continue
      if (values && type === 'string') {
        expect(said, name).toBe(`value 'bogus' does not have a value in the enumeration '${values.join(', ')}'`)
      } else expect(said, name).toBe(`type check ('${type}') failed - got 'bogus'`)
    }
  })

  test('nobody gets in without a login', async ({ skip }) => {
    if (facts.permissions?.user === 'world') skip('open to the world')
    const answer = await call(endpoint, 'none')
    expect(answer).toMatchObject({ status: 401, reason: 'No ticket', text: '' })
  })

  const { user, check } = facts.permissions ?? {}
  const needsRights = user === undefined && (!check || check[0] === 'perm')
  test.runIf(needsRights)('a token without rights is refused', async () => {
    const answer = await call(endpoint, 'token quorum@pve!none', { poolid: 'p1', path: '/vms/100' })
    expect(answer.status).toBe(403)
    expect(answer.reason).toMatch(/^Permission check failed/)
  })
})
