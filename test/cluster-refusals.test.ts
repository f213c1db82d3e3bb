/** What becomes of joins that go wrong and of removals that must not be, in one simulated site. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Config } from '../src/config.ts'
import { Refused } from '../src/core/errors.ts'
import { lookAtLeaving } from '../src/core/leaving.ts'
import { errorOf } from '../src/core/refusal.ts'
import { Secret } from '../src/core/secret.ts'
import { formCluster } from '../src/lab/hosts.ts'
import type { SimNode } from '../src/lab/model.ts'
import { cutPower } from '../src/lab/power.ts'
import type { ProxmoxRoot, RootAccess } from '../src/proxmox/cluster-port.ts'
import { PveError } from '../src/proxmox/errors.ts'
import { explain } from '../src/proxmox/explain.ts'
import type { ProxmoxWriter } from '../src/proxmox/port.ts'
import { openRoot } from '../src/worker/root.ts'
import { runJob } from './commands/ha-stage.ts'
import { Stage, words } from './commands/stage.ts'
import { loadRecordings } from './replay.ts'

/** As people read it, with no place left unfilled. */
function said(error: unknown, language: 'en' | 'es') {
  if (!(error instanceof Refused)) throw error
  const { code, says, hint } = errorOf(words[language], undefined, error, { job: 'j-1' })
  expect(`${says} ${hint}`).not.toMatch(/\{[a-z]\w*\}/i)
  return { code, says, hint }
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Some answers of a port replaced, the rest as it is. */
const withAnswers = <P extends object>(port: P, answers: Partial<P>): P =>
  new Proxy(port, {
    get(target, name) {
      const own = (name in answers ? answers : target) as Record<PropertyKey, unknown>
      const value = own[name]
      return typeof value === 'function' ? value.bind(own) : value
    },
  })

/** One host that is a cluster by itself and two that are alone, with root's access to all three. */
async function openSite() {
  const stage = await Stage.open({ scenario: 'empty', speed: 50 })
  const { nodes } = stage.sim.cluster
  formCluster(nodes.slice(0, 1), 'pvecluster')
  const password = new Secret(stage.sim.root.password)
  const hosts = nodes.map(({ name, certificate }, i) => ({
    ...{ name, endpoint: stage.sim.endpoints[i]!, password },
    tls: { fingerprints: [certificate.fingerprint] },
  }))
  const cluster = { name: 'main', endpoints: stage.sim.endpoints, tls: hosts[0]!.tls }
  const root = openRoot({ hosts, clusters: [cluster] } as unknown as Config)
  const host = (name: string): SimNode => nodes.find((node) => node.name === name)!
  const join = (name: string, by: RootAccess = root, more: object = {}) => {
    const job = { id: 'j-1', worker: 'cluster-join', payload: { host: name, lose: true }, node: 'pve1', since: 0 }
    return failureOf(runJob(stage, job, undefined, { root: by, ...more } as never))
  }
  /** Root's access to this host, with some of its answers replaced. */
  const access = (name: string, answers: (real: ProxmoxRoot) => Partial<ProxmoxRoot>): RootAccess =>
    withAnswers(root, {
      open: (place, given) => {
        const real = root.open(place, given)
        return place.host === name ? withAnswers(real, answers(real)) : real
      },
    })
  return { stage, host, join, access }
}

describe('a join', () => {
  let site: Awaited<ReturnType<typeof openSite>>

  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(() => site.stage.close())

  const recordings = loadRecordings()
  const dataOf = (name: string) =>
    (recordings.find((one) => one.name === name)?.body as { data: never } | undefined)?.data

  /** What the real one answered instead of the join of this host. */
  const replayed = (name: string) =>
    site.access('pve2', () => ({
      joinCluster: async () =>
        (dataOf(name) as string | undefined) ?? 'UPID:pve2:000000D6:0004FA27:6B035955:clusterjoin::root@pam:',
      task: async (upid) => {
        const { exitstatus = 'Check if node may join a cluster failed!' } =
          (dataOf(`${name}.task-status-end`) as { exitstatus?: string } | undefined) ?? {}
        return { upid, node: 'pve2', type: 'clusterjoin', id: '', user: 'root@pam', starttime: 1, exit: exitstatus }
      },
      taskLog: async () => {
        const lines = ((dataOf(`${name}.task-log`) ?? []) as { t: string }[]).map(({ t }) => t)
        return { lines, total: lines.length }
      },
    }))

  test.each<[string, { code: string; en: RegExp; es: RegExp; hint: RegExp }]>([
    [
      'join.wrong-fingerprint',
      {
        code: 'join-fingerprint',
        en: /^pve1 shows another certificate than the one its cluster names/,
        es: /^pve1 muestra otro certificado que el que su clúster nombra/,
        hint: /^pvenode cert info .*pve1.*cluster join pve2$/,
      },
    ],
    [
      'join.wrong-password',
      {
        code: 'root-password',
        en: /^root's password of pve1 is not right\. Nothing was changed/,
        es: /^La contraseña de root de pve1 no es correcta\. No se cambió nada/,
        hint: /quorum\.yaml/,
      },
    ],
    [
      'join.wrong-host',
      {
        code: 'join-unreachable',
        en: /^pve2 cannot reach pve1 at 10\.99\.0\.99:8006/,
        es: /^pve2 no alcanza a pve1 en 10\.99\.0\.99:8006/,
        hint: /^ping 10\.99\.0\.99/,
      },
    ],
    [
      'join.link-not-local',
      {
        code: 'join-link-found',
        en: /^link0: pve2 says that the address 10\.99\.0\.77 is on none of its cards/,
        es: /^link0: pve2 dice que la dirección 10\.99\.0\.77 no está en ninguna de sus tarjetas/,
        hint: /^ip -br address .*cluster join pve2 link0:ADDRESS$/,
      },
    ],
    [
      'join.with-guest',
      {
        code: 'join-guests-found',
        en: /^pve2 says that it has machines or containers/,
        es: /^pve2 dice que tiene máquinas o contenedores/,
        hint: /^vzdump --all/,
      },
    ],
  ])('%s, recorded on the real thing: its cause and the next step', async (name, { code, hint, ...says }) => {
    const error = await site.join('pve2', replayed(name))
    for (const language of ['en', 'es'] as const) {
      const told = said(error, language)
      expect(told.code).toBe(code)
      expect(told.says).toMatch(says[language])
      expect(told.hint).toMatch(hint)
    }
    expect((error as Refused).raw).toBeTruthy()
  })

  test('by a token: only root in person may, and how to be that', () => {
    const { status, reason, method, path, body } = recordings.find(({ name }) => name === 'join.by-token')!
    const text = (body as { message: string }).message.trim()
    const error = new PveError({ method: method as 'POST', path }, { endpoint: '', status, reason, text, fields: {} })
    const refused = explain(error, { cluster: 'main', user: 'root@pam!tmp' })
    expect(said(refused, 'en')).toMatchObject({ code: 'root-only', says: expect.stringContaining('root@pam') })
    expect(said(refused, 'es').says).toContain('root@pam')
  })

  test('a host of another version is told so before anything is sent', async () => {
    const old = site.access('pve2', () => ({ nodeVersion: async () => '8.4.1' }))
    expect(said(await site.join('pve2', old), 'es')).toMatchObject({
      code: 'join-version',
      says: expect.stringMatching(/^pve2 tiene Proxmox VE 8\.4\.1 y el clúster 9\./),
    })
    expect(site.host('pve2').tasks.filter(({ type }) => type === 'clusterjoin')).toEqual([])
  })

  interface Cut {
    joiner: string
    victim: string
    until?: (look: () => Promise<unknown>) => Promise<undefined>
  }

  /** Joins a host and cuts somebody's power as soon as the host stands in the cluster's configuration. */
  async function cutInTheMiddle({ host, join, access, stage: { sim } }: typeof site, o: Cut) {
    const { joiner, victim, ...more } = o
    const isListed = () => host('pve1').config.corosync?.nodes.some(({ name }) => name === joiner)
    const by = access(joiner, (real) => ({
      joinCluster: async (request) => {
        const upid = await real.joinCluster(request)
        for (let i = 0; i < 120 && !isListed(); i++) await sim.cluster.clock.advance(0.25)
        cutPower(sim.cluster, host(victim))
        return upid
      },
    }))
    return join(joiner, by, more)
  }

  test('the joiner loses its power in the middle: what is half done is said, and how to clean up', async () => {
    const error = await cutInTheMiddle(site, { joiner: 'pve2', victim: 'pve2' })
    const [en, es] = [said(error, 'en'), said(error, 'es')]
    expect(en.code).toMatch(/^join-(?:no-vote|half-done)$/)
    expect(en.says).toMatch(/^pve2 (?:was added to|stands in)/)
    for (const { hint } of [en, es]) expect(hint).toMatch(/pvecm/)
    expect(site.host('pve1').config.corosync?.nodes).toHaveLength(2)
  })

  test('a cluster that lost its quorum by that takes nobody else, and says so', async () => {
    const error = await site.join('pve3')
    expect(said(error, 'en')).toMatchObject({ code: 'no-quorum', says: expect.stringContaining('pvecluster') })
    expect(said(error, 'es').says).toContain('no tiene quórum')
    expect(site.host('pve3').tasks.filter(({ type }) => type === 'clusterjoin')).toEqual([])
  })

  test('the member is cut in the middle: nobody sees a vote in time, and that is what is said', async () => {
    const other = await openSite()
    // The same patience as in life, without its length: a dead member takes its time not to answer.
    const until = async (look: () => Promise<unknown>) => void (await look())
    const error = await cutInTheMiddle(other, { joiner: 'pve2', victim: 'pve1', until })
    await other.stage.close()
    expect(said(error, 'en').code).toBe('join-no-vote')
    expect(said(error, 'es').says).toContain('pve2')
  })
})

describe('a node is not taken out', () => {
  let stage: Stage
  const guest = { vmid: 105, kind: 'qemu', name: 'web', node: 'pve3', status: 'stopped' }

  beforeAll(async () => {
    stage = await Stage.open({ speed: 50 })
  })
  afterAll(() => stage.close())

  const refused = async (answers: Partial<ProxmoxWriter> = {}) => {
    const error = await failureOf(lookAtLeaving(withAnswers(stage.proxmox, answers), 'pve3'))
    return { en: said(error, 'en'), es: said(error, 'es') }
  }

  test('while it answers', async () => {
    const { en, es } = await refused()
    expect(en).toMatchObject({ code: 'leave-online', says: expect.stringContaining('pve3') })
    expect(es.says).not.toBe(en.says)
  })

  describe('dead, but not free', () => {
    beforeAll(async () => {
      const { cluster } = stage.sim
      const dead = cluster.nodes[2]!
      cutPower(cluster, dead)
      for (let i = 0; i < 60 && dead.member; i++) await cluster.clock.advance(1)
    })

    test.each<[string, Partial<ProxmoxWriter>, RegExp, RegExp]>([
      [
        'leave-guests',
        { resources: async () => ({ guests: [guest as never], nodes: [], storages: [] }) },
        /pve3.*105/,
        /qm|mv|105/,
      ],
      [
        'leave-ha',
        {
          haRules: async () => [
            {
              ...{ rule: 'grupoHA', type: 'node-affinity', resources: ['vm:100'], strict: false },
              ...{ nodes: [{ node: 'pve3', priority: 1 }], disabled: false, errors: {} },
            },
          ],
        },
        /pve3.*grupoHA|grupoHA.*pve3/,
        /ha (?:unrule|prefer)/,
      ],
      [
        'leave-replication',
        { replicationPlans: async () => [{ id: '100-0', guest: 100, target: 'pve3' }] },
        /pve3.*100-0|100-0.*pve3/,
        /pvesr|100-0/,
      ],
      ['leave-ceph', { cephNodes: async () => ['pve2', 'pve3'] }, /Ceph/, /ceph|https/],
      ['leave-qdevice', { qdevice: async () => ({ state: 'Connected' }) }, /QDevice/i, /qdevice/],
    ])('%s', async (code, answers, says, hint) => {
      const { en, es } = await refused(answers)
      expect([en.code, es.code]).toEqual([code, code])
      for (const told of [en, es]) {
        expect(told.says).toMatch(says)
        expect(told.hint).toMatch(hint)
      }
    })

    test('free of all that, two members say that it is away', async () => {
      const { witnesses, votes } = await lookAtLeaving(stage.proxmox, 'pve3')
      expect({ witnesses: witnesses.sort(), votes }).toEqual({ witnesses: ['pve1', 'pve2'], votes: 2 })
    })
  })
})
