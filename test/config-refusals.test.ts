// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own references are written that way
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { clusterWith, faultsOf, fileOf, folder, refusal, withCluster } from './config-files.ts'

describe('refusals', () => {
  /** What stands in the file beside a good cluster, the path of the fault, and what must be said. */
  const refused: [string, string, RegExp][] = [
    ['polls: 2s', 'polls', /not a key/],
    ['chat: { slak: {} }', 'chat.slak', /not a key/],
    ['hosts: [{ endpoint: https://h }]', 'hosts[0].name', /missing/],
    ['hosts: [{ name: pve_3, endpoint: https://h }]', 'hosts[0].name', /name of a node, not "pve_3"/],
    ['hosts: [{ name: pve3, endpoint: https://h, mac: 12 }]', 'hosts[0].mac', /MAC address/],
    ['hosts: { name: pve3 }', 'hosts', /must be a list/],
    ['people: ana', 'people', /must be a list/],
    ['people: [ana]', 'people[0]', /must be a map/],
    ['people: [{ name: ana, ids: [] }]', 'people[0].ids', /at least one/],
    ['people: [{ name: ana }]', 'people[0].ids', /missing/],
    ['people: [{ name: "a:b", ids: [web:a] }]', 'people[0].name', /name without/],
    ['people: [{ name: ana, ids: [ana] }]', 'people[0].ids[0]', /identity.*not "ana"/],
    ['people: [{ name: ana, ids: ["slack:ana"] }]', 'people[0].ids[0]', /identity/],
    ['people: [{ name: ana, ids: ["slack:group:S1"] }]', 'people[0].ids[0]', /group/],
    ['people: [{ name: ana, ids: ["web:*"] }]', 'people[0].ids[0]', /group/],
    ['people: [{ name: ana, ids: [web:a], language: fr }]', 'people[0].language', /one of en, es, not "fr"/],
    ['people: [{ name: ana, ids: [web:a], tz: America/Guayaqil }]', 'people[0].tz', /not a time zone/],
    ['people: [{ name: a, ids: [web:a] }, { name: A, ids: [web:b] }]', 'people[1].name', /another person/],
    ['people: [{ name: a, ids: [web:a] }, { name: b, ids: [web:a] }]', 'people[1].ids[0]', /one person/],
    ['channels: [{ post: [general] }]', 'channels[0].post[0]', /a channel/],
    ['channels: [{ post: ["slack:U1"] }]', 'channels[0].post[0]', /a channel/],
    ['channels: [{ cluster: man, post: [web:x] }]', 'channels[0].cluster', /does not have/],
    ['channels: [{ cluster: main }]', 'channels[0].post', /missing/],
    ['roles: [{ role: root, who: ["web:*"] }]', 'roles[0].role', /one of viewer, operator, admin/],
    ['roles: [{ role: admin, who: [ana] }]', 'roles[0].who[0]', /people does not have/],
    ['roles: [{ role: admin, who: ["slack:everyone"] }]', 'roles[0].who[0]', /identity/],
    ['roles: [{ role: admin, who: ["web:*"], clusters: [other] }]', 'roles[0].clusters[0]', /does not have/],
    ['roles: [{ role: admin, who: ["web:*"], pools: ["a b"] }]', 'roles[0].pools[0]', /pool/],
    ['approvals: { drill: -1 }', 'approvals.drill', /whole number/],
    ['approvals: { drill: 1.5 }', 'approvals.drill', /whole number/],
    ['approvals: { solo: on }', 'approvals.solo', /duration/],
    ['approvals: { solo: 0s }', 'approvals.solo', /duration/],
    ['oncall: { tz: Mars }', 'oncall.tz', /not a time zone/],
    ['oncall: { quiet: "22-7" }', 'oncall.quiet', /times of the day/],
    ['oncall: { quiet: "22:00-22:00" }', 'oncall.quiet', /same time/],
    ['oncall: { rotation: { everyone: [eva] } }', 'oncall.rotation.everyone[0]', /people does not have/],
    ['oncall: { rotation: { everyone: [], handoff: mon 09:00 } }', 'oncall.rotation.everyone', /at least one/],
    ['oncall: { rotation: { everyone: [a], handoff: lunes } }', 'oncall.rotation.handoff', /weekday/],
    ['oncall: { policy: { urgent: [] } }', 'oncall.policy.urgent', /not a key/],
    ['oncall: { policy: { critical: [{ after: 5x, notify: [channel] }] } }', 'oncall.policy.critical[0].after', /5x/],
    [
      'oncall: { policy: { critical: [{ after: 0s, notify: [sms] }] } }',
      'oncall.policy.critical[0].notify[0]',
      /one of/,
    ],
    [
      'oncall: { policy: { critical: [{ after: 0s, notify: [pager] }] } }',
      'oncall.policy.critical[0].notify[0]',
      /there is none/,
    ],
    [
      'oncall: { policy: { critical: [{ after: 0s, notify: [next] }] } }',
      'oncall.policy.critical[0].notify[0]',
      /no rotation/,
    ],
    [
      'oncall: { policy: { warning: [{ after: 5m, notify: [channel] }, { after: 60s, notify: [channel] }] } }',
      'oncall.policy.warning[1].after',
      /before the step above/,
    ],
    ['oncall: { pager: { url: http://pager.example } }', 'oncall.pager.url', /http to another machine/],
    ['heartbeat: { every: 60s }', 'heartbeat.url', /missing/],
    ['heartbeat: { url: hc.example }', 'heartbeat.url', /URL/],
    ['http: { listen: 8485 }', 'http.listen', /address and a port, not "8485"/],
    ['http: { listen: 127.0.0.1:99999 }', 'http.listen', /address and a port/],
    ['http: { listen: { host: a } }', 'http.listen', /not a map/],
    ['http: { publicUrl: http://quorum.example }', 'http.publicUrl', /http to another machine/],
    ['http: { publicUrl: "https://ana:pw@quorum.example" }', 'http.publicUrl', /password/],
    ['http: { tls: { cert: nowhere.pem, key: nowhere.pem } }', 'http.tls.cert', /does not exist/],
    ['http: { tls: { cert: ., key: . } }', 'http.tls.cert', /not a file/],
    ['http: { tls: { cert: nowhere.pem } }', 'http.tls.key', /missing/],
    ['http: { install: {} }', 'http.install.listen', /missing/],
    ['hosts: [{ name: pve4, endpoint: "https://h:8006", install: { serial: A1 } }]', 'hosts[0].install', /needs mac/],
    ['http: { listen: 127.0.0.1:1, install: { listen: 127.0.0.1:1 } }', 'http.install.listen', /another listener/],
    ['power: { pve1: {} }', 'power.pve1', /neither mac nor webhook/],
    ['power: [pve1]', 'power', /must be a map/],
    ['probes: { "100": { tcp: 10.0.0.1:1 } }', 'probes.100', /name of a guest/],
    ['probes: { "vm:100": {} }', 'probes["vm:100"]', /either tcp or http/],
    ['probes: { "vm:100": { tcp: 10.0.0.1:0 } }', 'probes["vm:100"].tcp', /address and a port/],
    ['probes: { "vm:100": { tcp: 127.1:80 } }', 'probes["vm:100"].tcp', /own machine/],
    ['probes: { "vm:100": { http: "http://[fe80::1]/" } }', 'probes["vm:100"].http', /own machine/],
    ['redis: { prefix: "a b" }', 'redis.prefix', /letters/],
    ['chat: { web: { listen: 0.0.0.0:8484, signIn: none } }', 'chat.web.signIn', /anyone could be anyone/],
    ['chat: { web: { signIn: password } }', 'chat.web.signIn', /one of link, none/],
    ['chat: { slack: { botToken: xoxb-1 } }', 'chat.slack', /no way for Slack/],
    ['chat: { slack: { botToken: xapp-1, appToken: xapp-1 } }', 'chat.slack.botToken', /app-level token/],
    ['chat: { slack: { botToken: xoxb-1, appToken: xoxb-1 } }', 'chat.slack.appToken', /bot token/],
    ['chat: { slack: { apiUrl: https://slack.example/ } }', 'chat.slack.apiUrl', /does not end in \/api\//],
    ['chat: { discord: { apiUrl: https://discord.example/api/v10 } }', 'chat.discord.apiUrl', /does not end in \/api/],
    ['chat: { discord: { guilds: [mine] } }', 'chat.discord.guilds[0]', /id of digits/],
    ['redis: { prefix: "${NOPE}" }', 'redis.prefix', /NOPE.*not set/],
    ['redis: { prefix: "${file:nope}" }', 'redis.prefix', /nope, which does not exist/],
    ['redis: { prefix: "${file:.}" }', 'redis.prefix', /not a file/],
    ['redis: { prefix: "${no good}" }', 'redis.prefix', /neither/],
    ['redis: { prefix: "${open" }', 'redis.prefix', /neither/],
  ]

  test.each(refused)('%s', (text, path, says) => {
    // Workers alone read where a heartbeat goes.
    const faults = faultsOf(withCluster(text), path.startsWith('heartbeat') ? 'worker' : 'bot')
    const fault = faults.find((one) => one.path === path)
    expect(faults.map((one) => one.path)).toContain(path)
    expect(fault?.says).toMatch(says)
    expect(fault?.line).toBe(2)
    expect(faults.every(({ hint, says: said }) => hint.length > 8 && said.length > 4)).toBe(true)
  })

  const clusters: [string, string, RegExp][] = [
    ['', 'clusters', /missing/],
    ['clusters: []', 'clusters', /at least one/],
    ['clusters: main', 'clusters', /must be a list/],
    ['clusters: [{ name: a, endpoints: [https://h] }]', 'clusters[0]', /neither token nor tokens/],
    [
      'clusters: [{ name: a b, endpoints: [https://h], token: { id: q@pve!bot, secret: x } }]',
      'clusters[0].name',
      /letters/,
    ],
    [
      'clusters: [{ name: a, endpoints: [http://h:8006], token: { id: q@pve!bot, secret: x } }]',
      'clusters[0].endpoints[0]',
      /travel in clear/,
    ],
    [
      'clusters: [{ name: a, endpoints: [h:8006], token: { id: q@pve!bot, secret: x } }]',
      'clusters[0].endpoints[0]',
      /https/,
    ],
    [
      'clusters: [{ name: a, endpoints: ["https://h/api2"], token: { id: q@pve!bot, secret: x } }]',
      'clusters[0].endpoints[0]',
      /after the port/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h, https://h], token: { id: q@pve!bot, secret: x } }]',
      'clusters[0].endpoints[1]',
      /already/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h], token: { id: q@pve, secret: x } }]',
      'clusters[0].token.id',
      /API token/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h], token: { id: q@pve!bot=x, secret: x } }]',
      'clusters[0].token.id',
      /holds the secret/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h], token: { id: q@pve!bot } }]',
      'clusters[0].token.secret',
      /missing/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h], token: { id: q@pve!bot, secret: "" } }]',
      'clusters[0].token.secret',
      /empty/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h], token: { id: q@pve!bot, secret: "a\\nb" } }]',
      'clusters[0].token.secret',
      /line break/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h], tokens: { act: { id: q@pve!bot, secret: x } } }]',
      'clusters[0].tokens',
      /no read/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h], token: { id: q@pve!bot, secret: x }, tokens: { read: { id: q@pve!bot, secret: x } } }]',
      'clusters[0].token',
      /beside tokens/,
    ],
    [
      'clusters: [{ name: a, endpoints: [https://h], token: { id: q@pve!bot, secret: x } }, { name: A, endpoints: [https://i], token: { id: q@pve!bot, secret: x } }]',
      'clusters[1].name',
      /another cluster/,
    ],
    [clusterWith('poll: 2'), 'clusters[0].poll', /duration.*not "2"/],
    [clusterWith('poll: 1ms'), 'clusters[0].poll', /from 250ms to 5m/],
    [clusterWith('tls: { fingerprints: [abc] }'), 'clusters[0].tls.fingerprints[0]', /SHA-256/],
    [clusterWith(`tls: { fingerprints: ["${'ab'.repeat(20)}"] }`), 'clusters[0].tls.fingerprints[0]', /SHA-1/],
    [clusterWith('tls: { ca: nowhere.pem }'), 'clusters[0].tls.ca', /does not exist/],
    [clusterWith('tls: { verify: false }'), 'clusters[0].tls.verify', /not a key/],
  ]

  test.each(clusters)('%s', (text, path, says) => {
    const faults = faultsOf(text)
    expect(faults.map((one) => one.path)).toContain(path)
    expect(faults.find((one) => one.path === path)?.says).toMatch(says)
    expect(faults.every(({ hint }) => hint.length > 8)).toBe(true)
  })

  test.each([
    ['aprovals: {}', 'approvals'],
    ['chat: { slak: {} }', 'slack'],
    ['oncall: { rotaton: {} }', 'rotation'],
    ['people: [{ name: ana, ids: [web:ana] }]\nroles: [{ role: admin, who: [anna] }]', 'ana'],
    ['channels: [{ cluster: mian, post: [web:x] }]', 'main'],
    ['oncall: { tz: America/Guayaqil }', 'America/Guayaquil'],
  ])('%s: did you mean %s?', (text, meant) => {
    expect(faultsOf(withCluster(text))[0]?.hint).toBe(`Did you mean ${meant}?`)
  })

  test('three faults are told at once, each with its line and column', () => {
    const path = fileOf(`clusters:
  - name: main
    endpoints: [https://10.0.0.1, http://10.0.0.2]
    token: { id: q@pve!bot, secret: x }
    poll: often

channels:
  - cluster: main
    pots: ["slack:C1"]
    post: ["slack:C1"]
`)
    const error = refusal(() => loadConfig({ path, role: 'bot', env: {} }))
    expect(error.faults.map(({ line, column, path: at }) => `${line}:${column} ${at}`)).toEqual([
      '3:35 clusters[0].endpoints[1]',
      '5:11 clusters[0].poll',
      '9:5 channels[0].pots',
    ])
    expect(error.message).toContain('The configuration has 3 faults:')
    expect(error.message).toContain(
      `${path}:5:11 clusters[0].poll must be a duration from 250ms to 5m, not "often"\n    Write`,
    )
  })

  test('faults of the schema, of references, between sections and of the environment come together', () => {
    const faults = faultsOf(
      withCluster('redis: { prefix: "${NOPE}" }\napprovals: { drill: x }\nroles: [{ role: admin, who: [eva] }]'),
      'bot',
      { LOG_LEVEL: 'loud' },
    )
    expect(faults.map(({ path }) => path)).toEqual(['LOG_LEVEL', 'redis.prefix', 'approvals.drill', 'roles[0].who[0]'])
  })

  test('several faults of YAML itself are told at once, in our words', () => {
    const faults = faultsOf('a: 1\na: 2\nb: c: d\n\te: 1\nf: !vault s3cret\n')
    expect(faults.map(({ line }) => line)).toEqual([2, 3, 4, 5])
    expect(faults.map(({ says }) => says).join()).toMatch(/twice.*two "key:".*tab/)
    expect(faults.every(({ hint }) => hint.length > 8)).toBe(true)
  })

  test.each([
    ['an alias of nothing', 'people: *nobody', /alias of nothing/],
    ['an alias in itself', 'people: &p [*p]', /contains itself/],
    ['a key that is a list', '? [a]\n: 1', /plain word/],
    ['a key that objects have already', '__proto__: 1', /plain word/],
    ['very many brackets', '['.repeat(50_000), /too deeply/],
    ['aliases of aliases', bomb(), /too large/],
  ])('%s is a fault, not a crash', (_, text, says) => {
    expect(
      faultsOf(text)
        .map((fault) => fault.says)
        .join(),
    ).toMatch(says)
  })

  function bomb(): string {
    const levels = Array.from({ length: 12 }, (_, i) => `k${i + 1}: &k${i + 1} [${`*k${i}, `.repeat(9)}]`)
    return ['k0: &k0 [x]', ...levels].join('\n')
  }

  test('a file that is not there is a fault with the next step', () => {
    const { faults } = refusal(() => loadConfig({ path: join(folder, 'none.yaml'), role: 'bot', env: {} }))
    expect(faults).toMatchObject([{ line: 0, path: join(folder, 'none.yaml'), says: 'does not exist' }])
    expect(faults[0]?.hint).toContain('examples/quorum.yaml')
  })
})
