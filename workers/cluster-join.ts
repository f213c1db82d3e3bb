import { z } from 'zod'
import { enterAsRoot, type Rooted } from '../src/core/as-root.ts'
import { Refused } from '../src/core/errors.ts'
import { lookAtCluster, lookAtHost, refuseOtherClock, type Standing, standingOf } from '../src/core/join-looks.ts'
import { type ClusterLook, joinFailure, linksFor, refuseToJoin } from '../src/core/joining.ts'
import type { Secret } from '../src/core/secret.ts'
import { defineWorker, type RunContext } from '../src/core/worker.ts'
import type { Proxmox } from '../src/proxmox/port.ts'

/** From the request until a member sees the vote, seconds on the member's clock; seen on the real one: 8 to 14. */
const voteWithinSeconds = 180
/** Its proxy starts anew with the new certificate. */
const certificateWithinMs = 60_000
const root = 'root@pam'

/** Brings one host into the cluster. Done when a member sees it vote and the cluster is quorate. */
export default defineWorker({
  payload: z.object({
    host: z.string(),
    link0: z.string().optional(),
    link1: z.string().optional(),
    /** Whoever ordered it agreed that what only this host has is lost. */
    lose: z.boolean(),
    /** Another joins right after it: that they are two passes. */
    more: z.boolean().optional(),
  }),
  needs: [{ rootOnly: 'POST /cluster/config/join' }, { path: '/', privileges: ['Sys.Audit'] }],
  locks: () => ['cluster'],
  unstoppable: true,
  text: {
    en: {
      title: 'Join {host}',
      steps: {
        cluster: 'Look at the cluster',
        host: 'Look at the host',
        password: "Try root's password",
        join: 'Ask Proxmox',
        vote: 'Wait for its vote',
        certificate: 'Compare its new certificate',
      },
      done: '{host} is a member of {cluster}: {by} sees it vote, and the cluster has quorum',
      words: {
        passwordOf: "root's password of {host}",
        fingerprint: 'Fingerprint of {node}',
        links: 'Links',
        wasThere: 'It had joined already; nothing was done.',
        two: 'Two nodes: losing either one loses quorum. Join a third: cluster join HOST',
        pin: 'The new fingerprint of {host}, as {by} names it, belongs under `tls: fingerprints:` of the cluster in quorum.yaml.',
        unproven: '{host} does not show the certificate that the cluster names for it yet. Compare: pvenode cert info',
        listed: '{host} stands in the configuration of {cluster}, {state}',
        on: 'online',
        off: 'not online',
      },
    },
    es: {
      title: 'Unir {host}',
      steps: {
        cluster: 'Mirar el clúster',
        host: 'Mirar el equipo',
        password: 'Probar la contraseña de root',
        join: 'Pedirlo a Proxmox',
        vote: 'Esperar su voto',
        certificate: 'Comparar su certificado nuevo',
      },
      done: '{host} es miembro de {cluster}: {by} lo ve votar, y el clúster tiene quórum',
      words: {
        passwordOf: 'la contraseña de root de {host}',
        fingerprint: 'Huella digital de {node}',
        links: 'Enlaces',
        wasThere: 'Ya se había unido; no se hizo nada.',
        two: 'Dos nodos: si se pierde uno cualquiera, se pierde el quórum. Une un tercero: cluster join HOST',
        pin: 'La huella digital nueva de {host}, como la nombra {by}, va bajo `tls: fingerprints:` del clúster en quorum.yaml.',
        unproven: '{host} todavía no muestra el certificado que el clúster nombra para él. Compara: pvenode cert info',
        listed: '{host} figura en la configuración de {cluster}, {state}',
        on: 'en línea',
        off: 'no está en línea',
      },
    },
  },
  titled: ({ host }) => ({ host }),
  async run(context) {
    const { payload, proxmox, step, shows, say } = context
    const { host } = payload
    const first = await step('cluster', async () => {
      const standing = await standingOf(proxmox, host)
      return { look: await lookAtCluster(proxmox, { avoid: [host] }), joined: isMember(standing) }
    })
    const { look } = first
    const about = { host, cluster: look.name, member: look.member, job: context.job.id }
    const begun = first.joined ? undefined : await join(context, look, about)
    try {
      const seen = await step('vote', () => voting(context, about, begun))
      const certificate = await step('certificate', () => newCertificate(context))
      await shows([{ name: say('fingerprint', { node: host }), value: certificate.fingerprint ?? '' }])
      const isSecond = new Set([...look.members, host]).size === 2
      const warnings = [
        ...(isSecond && !payload.more ? [say('two')] : []),
        ...(first.joined ? [say('wasThere')] : []),
        ...(certificate.shown ? [] : [say('unproven', { host })]),
        ...(context.root.isPinned(context.job.cluster) ? [say('pin', { host, by: seen.by })] : []),
      ]
      return { values: { host, cluster: seen.cluster, by: seen.by }, warnings }
    } finally {
      await begun?.by.close()
    }
  },
  async leftovers({ payload: { host }, proxmox, say }) {
    const standing = await standingOf(proxmox, host)
    if (!standing?.listed) return []
    return [say('listed', { host, cluster: standing.cluster, state: say(standing.online ? 'on' : 'off') })]
  },
})

type Context = RunContext<
  { host: string; link0?: string | undefined; link1?: string | undefined; lose: boolean },
  {
    title: string
    done: string
    steps: Record<'cluster' | 'host' | 'password' | 'join' | 'vote' | 'certificate', string>
    words: Record<'passwordOf' | 'fingerprint' | 'links', string>
  }
>

interface About extends Record<string, string> {
  host: string
  cluster: string
  member: string
  job: string
}

/** A join under way, and who can ask how it ended. */
interface Begun {
  upid: string
  by: Rooted
}

const isMember = (standing: Standing | undefined): boolean => standing?.online === true && standing.votes > 0

/**
 * Looks at everything that could speak against it, then asks. What an earlier attempt began is found in corosync's list
 * of nodes (undefined), or by its task on the host.
 */
async function join(context: Context, cluster: ClusterLook, about: About): Promise<Begun | undefined> {
  const { payload, proxmox, root: access, job, step, effect, secret, shows, say } = context
  const { host } = payload
  const asked = (of: string) => ({ purpose: 'root-password', label: say('passwordOf', { host: of }) })
  const isListed = async () => (await standingOf(proxmox, host))?.listed === true
  let entered: Rooted | undefined
  const enter = async (): Promise<Rooted> => {
    if (entered) return entered
    const password = access.knows({ host }) ? undefined : await secret('host', asked(host))
    entered = await enterAsRoot(access, { host }, { password, about: { ...about, place: host } })
    return entered
  }
  try {
    if (await secondFactor(proxmox)) throw new Refused('root-second-factor', { ...about, place: cluster.name })
    const { links } = await step('host', async () => ({ links: await linksOf(context, cluster, await enter()) }))
    if (links === null || (await isListed())) return undefined
    const place = { host: cluster.member, cluster: job.cluster }
    const password = access.password(place) ?? (await secret('password', asked(cluster.member)))
    const at = await step('password', () => door(context, cluster, { password, about }))
    await shows([
      { name: say('links'), value: links.join(', ') },
      { name: say('fingerprint', { node: at.node }), value: at.fingerprint },
    ])
    const by = await enter().catch(async (error) => {
      // On its way in it takes nobody's password.
      if (await isListed()) return undefined
      throw error
    })
    if (!by) return undefined
    const act = () => by.joinCluster({ hostname: at.hostname, fingerprint: at.fingerprint, password, links })
    const upid = await effect('join', { node: host, types: ['clusterjoin'], by, act })
    return { upid, by }
  } catch (error) {
    await entered?.close()
    throw error
  }
}

/** Not known is no reason to stop: the login itself will tell. */
const secondFactor = (proxmox: Pick<Proxmox, 'hasSecondFactor'>) => proxmox.hasSecondFactor(root).catch(() => false)

/** The addresses for its links; null for a member that was only away. Throws `Refused` for what must not join. */
async function linksOf({ payload, proxmox }: Context, cluster: ClusterLook, by: Rooted): Promise<string[] | null> {
  const { host, lose, link0, link1 } = payload
  const look = await lookAtHost(by)
  if (look.cluster === cluster.name && cluster.members.includes(host)) return null
  refuseToJoin(look, cluster, { name: host, lose })
  await refuseOtherClock({ name: host, proxmox: by }, { name: cluster.member, proxmox })
  return linksFor(look, cluster, [link0, link1])
}

/** The member that the password opens, where the host will knock; nothing is sent with a password that is wrong. */
async function door(
  { root: access, job }: Context,
  cluster: ClusterLook,
  { password, about }: { password: Secret; about: About },
) {
  const place = { host: cluster.member, cluster: job.cluster }
  const member = await enterAsRoot(access, place, { password, about: { ...about, place: cluster.member } })
  try {
    const { members } = await member.clusterStatus()
    const node = members.find(({ local }) => local)?.name ?? cluster.member
    const entry = (await member.joinInfo(node))?.members.find(({ name }) => name === node)
    const hostname = entry?.address ?? entry?.links[0]
    if (!entry?.fingerprint || hostname === undefined) throw new Refused('no-own-cluster', { node })
    return { node, hostname, fingerprint: entry.fingerprint }
  } finally {
    await member.close()
  }
}

/** Waits until a member sees the vote, by the member's clock. The host cannot be asked: it forgets who we are. */
async function voting(context: Context, about: About, begun: Begun | undefined): Promise<Standing> {
  const { payload, proxmox, until } = context
  const clock = () => proxmox.nodeTime(about.member).catch(() => undefined)
  const since = await clock()
  const seen = await until(
    async () => {
      const standing = await standingOf(proxmox, payload.host).catch(() => undefined)
      if (standing && isMember(standing) && standing.quorate) return standing
      const failure = begun && (await failureOf(begun))
      if (failure) throw refusal(failure, standing, about)
      const now = await clock()
      if (since !== undefined && now !== undefined && now - since > voteWithinSeconds) throw noVote(about)
      return undefined
    },
    { everyMs: 1000, withinMs: 2 * voteWithinSeconds * 1000 },
  )
  if (!seen) throw noVote(about)
  return seen
}

const noVote = (about: About) => new Refused('join-no-vote', { ...about, seconds: voteWithinSeconds })

/** How the task failed, with its log; undefined while it runs, went well, or cannot be asked. */
async function failureOf({ by, upid }: Begun): Promise<{ line: string; log: string[] } | undefined> {
  const patience = { timeoutMs: 2500 }
  const exit = (await by.task(upid, patience).catch(() => undefined))?.exit
  if (exit === undefined || exit === 'OK' || exit.startsWith('WARNINGS')) return undefined
  const log = await by.taskLog(upid, { start: 0, limit: 0 }, patience).catch(() => ({ lines: [] }))
  return { line: exit, log: log.lines }
}

function refusal({ line, log }: { line: string; log: string[] }, standing: Standing | undefined, about: About) {
  const raw = [line, ...log.flatMap((text) => text.split('\n')).filter((text) => text.startsWith('* '))].join('; ')
  if (standing?.listed) return new Refused('join-half-done', about, { raw })
  const { code, values } = joinFailure(line, log)
  return new Refused(code, { ...about, place: about.member, ...values }, { raw })
}

/** The certificate that a member names for the host, and whether the host shows it. */
async function newCertificate({ payload: { host }, proxmox, root: access, until }: Context) {
  let fingerprint: string | undefined
  const shown = await until(
    async () => {
      const info = await proxmox.joinInfo(undefined, { avoid: [host] }).catch(() => undefined)
      fingerprint = info?.members.find(({ name }) => name === host)?.fingerprint ?? fingerprint
      return fingerprint !== undefined && (await access.shows(host, fingerprint)) ? true : undefined
    },
    { everyMs: 1000, withinMs: certificateWithinMs },
  )
  return { shown: shown === true, ...(fingerprint === undefined ? {} : { fingerprint }) }
}
