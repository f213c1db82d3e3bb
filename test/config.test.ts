// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own references are written that way
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigFaults, loadConfig, type ProcessRole } from '../src/config.ts'
import {
  clusterWith,
  example,
  faultsOf,
  fileOf,
  folder,
  load,
  refusal,
  roles,
  secrets,
  withCluster,
} from './config-files.ts'

describe('a whole file', () => {
  test('the example parses for every kind of process', () => {
    for (const role of roles) expect(loadConfig({ path: example, role, env: secrets }).people).toHaveLength(2)
  })

  test('every key of the example arrives, normalised', () => {
    const config = loadConfig({ path: example, role: 'root-worker', env: secrets })
    expect(config.file).toBe(example)
    expect(config.clusters[0]).toMatchObject({
      name: 'main',
      endpoints: ['https://10.0.0.1:8006', 'https://10.0.0.2:8006'],
      pollMs: 2000,
    })
    expect(config.clusters[0]?.tokens.act?.id).toBe('quorum@pve!act')
    expect(config.clusters[0]?.tokens.act?.secret.reveal()).toBe('s3cret-act')
    expect(config.clusters[0]?.tokens.access?.secret.reveal()).toBe('s3cret-access')
    expect(config.clusters[0]?.root?.password?.reveal()).toBe('s3cret-root')
    expect(config.hosts[0]).toMatchObject({ name: 'pve3', endpoint: 'https://10.0.0.3:8006', mac: 'bc:24:11:0a:0b:0c' })
    expect(config.hosts[0]?.tls.fingerprints?.[0]).toMatch(/^01:23:45:67:89:AB:/)
    expect(config.hosts[0]?.password?.reveal()).toBe('s3cret-pve3')
    expect(config.channels).toEqual([
      { cluster: 'main', post: ['slack:C0123', 'discord:456', 'web:general'], language: 'es' },
    ])
    expect(config.people[0]).toEqual({
      name: 'ana',
      ids: ['slack:U1', 'discord:7', 'web:ana'],
      language: 'es',
      tz: 'America/Guayaquil',
    })
    expect(config.roles[1]).toEqual({
      role: 'operator',
      who: ['slack:group:S1'],
      clusters: ['main'],
      channels: ['slack:C0123'],
      pools: ['web'],
    })
    expect(config.approvals).toEqual({ drill: 1, destroys: 1, endangers: 0, access: 1, soloMs: undefined })
    expect(config.oncall).toMatchObject({
      tz: 'America/Guayaquil',
      rotation: { everyone: ['ana', 'luis'], handoff: { weekday: 1, minute: 540 } },
      quiet: { fromMinute: 1320, toMinute: 420 },
      policy: {
        critical: [
          { afterMs: 0, notify: ['channel', 'person', 'pager'] },
          { afterMs: 300_000, notify: ['next'] },
        ],
        warning: [{ afterMs: 0, notify: ['channel'] }],
      },
      pager: { url: 'https://events.pagerduty.com/v2/enqueue' },
    })
    expect(config.oncall.pager?.key?.reveal()).toBe('s3cret-pager')
    expect(config.heartbeat?.everyMs).toBe(60_000)
    expect(config.heartbeat?.url?.reveal()).toBe('https://hc.example/s3cret-heartbeat')
    expect(config.http).toEqual({
      listen: { host: '127.0.0.1', port: 8485 },
      publicUrl: 'https://quorum.example.com',
      install: { listen: { host: '10.0.0.10', port: 8486 } },
      hooks: { proxmox: {} },
    })
    expect(config.power.pve1).toEqual({ mac: 'bc:24:11:01:02:03' })
    expect(config.power.pve2?.webhook?.reveal()).toBe('https://plug.example/s3cret-plug')
    expect(config.probes['vm:100']).toEqual({ tcp: { host: '10.0.0.50', port: 3389 } })
    expect(config.probes['ct:101']).toEqual({ http: 'http://10.0.0.51/health' })
    expect(config.redis).toEqual({ prefix: 'quorum' })
  })

  test('the contract is valid as it is printed, references unquoted inside { }', () => {
    const contract = `
clusters:
  - name: main
    endpoints: [https://10.0.0.1:8006, https://10.0.0.2:8006]     # any node; tried in turn
    token: { id: quorum@pve!bot, secret: \${PVE_TOKEN_SECRET} }
    tls: { fingerprints: ["${'AB:'.repeat(31)}CD"] }
    root: { password: \${PVE_ROOT_PASSWORD} }
    poll: 2s
hosts:
  - { name: pve3, endpoint: https://10.0.0.3:8006, password: \${PVE3_ROOT_PASSWORD}, mac: 00:11:22:33:44:55 }
chat:
  slack:   { botToken: \${SLACK_BOT_TOKEN}, appToken: \${SLACK_APP_TOKEN}, signingSecret: \${SLACK_SIGNING_SECRET} }
  web:     { listen: 127.0.0.1:8484, signIn: link }
approvals: { drill: 1, destroys: 1, endangers: 0, access: 1, solo: off }
oncall:
  pager: { url: https://pager.example, key: \${PAGER_KEY} }
http:     { listen: 127.0.0.1:8485, publicUrl: https://quorum.example }
`
    const config = load(contract, 'root-worker', { ...secrets, PVE_TOKEN_SECRET: 'uuid' })
    expect(config.clusters[0]?.tokens.act?.secret.reveal()).toBe('uuid')
    expect(config.hosts[0]?.mac).toBe('00:11:22:33:44:55')
    expect(config.oncall.pager?.key?.reveal()).toBe('s3cret-pager')
  })

  test('chat arrives at the bot, with the addresses of stand-in servers', () => {
    const config = load(
      withCluster(`chat:
  slack: { botToken: \${B}, signingSecret: x, apiUrl: "http://127.0.0.1:4003/api/" }
  discord: { token: y, guilds: [123456789012345678], apiUrl: "http://localhost:4004/api" }
  web: { listen: "[::1]:0", signIn: none }`),
      'bot',
      { B: 'xoxb-1' },
    )
    expect(config.chat.slack?.botToken?.reveal()).toBe('xoxb-1')
    expect(config.chat.slack?.apiUrl).toBe('http://127.0.0.1:4003/api/')
    expect(config.chat.discord).toMatchObject({ guilds: ['123456789012345678'], apiUrl: 'http://localhost:4004/api' })
    expect(config.chat.web).toEqual({ listen: { host: '::1', port: 0 }, signIn: 'none' })
  })

  test('files named by path are absolute, from the folder of the configuration', () => {
    for (const name of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(folder, name), 'pem')
    const config = load(`${clusterWith('tls: { ca: ca.pem }')}http: { tls: { cert: cert.pem, key: ./key.pem } }`)
    expect(config.clusters[0]?.tls).toEqual({ ca: join(folder, 'ca.pem') })
    expect(config.http.tls).toEqual({ cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') })
  })

  test('everything but clusters may be left out', () => {
    const config = load(withCluster(''))
    expect(config).toMatchObject({
      hosts: [],
      chat: {},
      channels: [],
      people: [],
      roles: [],
      approvals: { drill: 1, destroys: 1, endangers: 0, access: 1 },
      oncall: { tz: 'UTC', policy: { critical: [{ afterMs: 0, notify: ['channel'] }] } },
      http: { listen: { host: '127.0.0.1', port: 8485 } },
      power: {},
      probes: {},
      redis: { prefix: 'quorum' },
    })
    expect(config.approvals.soloMs).toBeUndefined()
    expect(config.chat.web).toBeUndefined()
    expect(config.heartbeat).toBeUndefined()
    expect(config.clusters[0]).toMatchObject({ tls: {}, pollMs: 2000 })
  })

  test('a section with nothing in it counts as left out', () => {
    expect(load(withCluster('people:\nchat:\n  slack:\noncall:\n')).people).toEqual([])
  })

  test('JSON is valid', () => {
    const cluster = { name: 'a', endpoints: ['https://h'], token: { id: 'q@pve!bot', secret: '${S}' } }
    const config = load(JSON.stringify({ clusters: [cluster], approvals: { solo: '5m' } }, null, 1), 'bot', { S: 'x' })
    expect(config.clusters[0]?.endpoints).toEqual(['https://h:8006'])
    expect(config.approvals.soloMs).toBe(300_000)
  })

  test('an anchor is read where its alias stands', () => {
    const config = load(
      withCluster('people: [{ name: ana, ids: &ids [web:ana] }]\nroles: [{ role: admin, who: *ids }]'),
    )
    expect(config.roles[0]?.who).toEqual(['web:ana'])
  })

  test('overrides take the place of whole sections', () => {
    const path = fileOf(withCluster('redis: { prefix: a }'))
    expect(loadConfig({ path, role: 'bot', env: {}, overrides: { redis: { prefix: 'b' } } }).redis.prefix).toBe('b')
  })

  test('one token serves reading and acting, never access; the bot keeps it for reading alone', () => {
    const tokens = (role: ProcessRole) => load(withCluster(''), role).clusters[0]?.tokens
    expect(Object.keys(JSON.parse(JSON.stringify(tokens('bot'))))).toEqual(['read'])
    expect(Object.keys(JSON.parse(JSON.stringify(tokens('worker'))))).toEqual(['read', 'act'])
  })

  test('PORT is where HTTP listens unless the file says otherwise', () => {
    expect(load(withCluster(''), 'bot', { PORT: '5000' }).http.listen).toEqual({ host: '0.0.0.0', port: 5000 })
    const written = load(withCluster('http: { listen: localhost:1 }'), 'bot', { PORT: '5000' })
    expect(written.http.listen).toEqual({ host: 'localhost', port: 1 })
  })

  test('QUORUM_CONFIG names the file; an argument comes before it', () => {
    const [a, b] = [fileOf(withCluster('redis: { prefix: a }')), fileOf(withCluster('redis: { prefix: b }'))]
    expect(loadConfig({ role: 'bot', env: { QUORUM_CONFIG: a } }).redis.prefix).toBe('a')
    expect(loadConfig({ role: 'bot', env: { QUORUM_CONFIG: a }, path: b }).redis.prefix).toBe('b')
  })
})

describe('values', () => {
  test.each([
    ['250ms', 250],
    ['2s', 2000],
    ['5m', 300_000],
  ])('poll %s is %i ms', (written, ms) => {
    expect(load(clusterWith(`poll: ${written}`)).clusters[0]?.pollMs).toBe(ms)
  })

  test.each([
    ['off', undefined],
    ['false', undefined],
    ['5m', 300_000],
    ['1h', 3_600_000],
  ])('approvals.solo %s is %s ms', (written, ms) => {
    expect(load(withCluster(`approvals: { solo: ${written} }`)).approvals.soloMs).toBe(ms)
  })

  test.each([
    ['https://10.0.0.1', 'https://10.0.0.1:8006'],
    ['https://10.0.0.1/', 'https://10.0.0.1:8006'],
    ['https://pve.example:443', 'https://pve.example:443'],
    ['"https://[fd00::1]:8007"', 'https://[fd00::1]:8007'],
  ])('endpoint %s is %s', (written, origin) => {
    const config = load(withCluster('').replace('https://10.0.0.1:8006', written))
    expect(config.clusters[0]?.endpoints).toEqual([origin])
  })

  test.each(['ab:'.repeat(31).concat('cd'), `${'AB'.repeat(31)}cd`])('fingerprint %s', (written) => {
    const config = load(clusterWith(`tls: { fingerprints: ["${written}"] }`))
    expect(config.clusters[0]?.tls.fingerprints).toEqual([`${'AB:'.repeat(31)}CD`])
  })

  test.each(['slack:U1', 'slack:group:S1', 'slack:*', 'discord:42', 'discord:role:9', 'discord:*', 'web:ana', 'web:*'])(
    'identity %s',
    (who) => {
      expect(load(withCluster(`roles: [{ role: viewer, who: ["${who}"] }]`)).roles[0]?.who).toEqual([who])
    },
  )

  test('a reference may stand alone or inside a text, quoted or not, and in a map on one line', () => {
    writeFileSync(join(folder, 'prefix.txt'), 'from-file\n')
    const prefix = (written: string) =>
      load(withCluster(`redis: { prefix: ${written} }`), 'bot', { A: 'x', B: 'y' }).redis.prefix
    expect(prefix('${A}')).toBe('x')
    expect(prefix('"${A}"')).toBe('x')
    expect(prefix('q-${A}-${B}')).toBe('q-x-y')
    expect(prefix('${file:prefix.txt}')).toBe('from-file')
    expect(prefix(`"a:\${file:${join(folder, 'prefix.txt')}}"`)).toBe('a:from-file')
  })

  test('what a reference brings is not read for references again, and $${ is a plain ${', () => {
    const read = (secret: string, env: Record<string, string>) =>
      load(
        withCluster('').replace('secret: s3cret', () => `secret: ${secret}`),
        'bot',
        env,
      ).clusters[0]?.tokens.read?.secret.reveal()
    expect(read('${A}', { A: '${B}', B: 'no' })).toBe('${B}')
    expect(read('"$${A}"', { A: 'no' })).toBe('${A}')
  })

  test('a number from the environment is a number', () => {
    expect(load(withCluster('approvals: { drill: ${N} }'), 'bot', { N: '2' }).approvals.drill).toBe(2)
  })

  test('a secret of digits keeps its zeros', () => {
    const config = load(clusterWith('root: { password: 0042 }'), 'root-worker')
    expect(config.clusters[0]?.root?.password?.reveal()).toBe('0042')
  })
})

describe('secrets', () => {
  const everything = Object.values(secrets)
  const leaked = (text: string) => [...everything, 's3cret'].filter((secret) => text.includes(secret))

  test.each(roles)('are not in what %s prints', (role) => {
    const config = loadConfig({ path: example, role, env: secrets })
    const printed = [inspect(config, { depth: 20, showHidden: true }), JSON.stringify(config), String(config)]
    expect(leaked(printed.join('\n'))).toEqual([])
  })

  /** Opens every box, to see which secrets a process holds. */
  const held = (role: ProcessRole): string[] => {
    const found: string[] = []
    const look = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      if ('reveal' in value && typeof value.reveal === 'function') found.push(value.reveal())
      else for (const inner of Object.values(value)) look(inner)
    }
    look(loadConfig({ path: example, role, env: secrets }))
    return found.map((value) => Object.entries(secrets).find(([, secret]) => secret === value)?.[0] ?? value).toSorted()
  }

  test.each([
    [
      'bot',
      [
        'DISCORD_TOKEN',
        'PROXMOX_HOOK_SECRET',
        'PVE_READ_SECRET',
        'SLACK_APP_TOKEN',
        'SLACK_BOT_TOKEN',
        'SLACK_SIGNING_SECRET',
      ],
    ],
    [
      'worker',
      ['HEARTBEAT_URL', 'PAGER_KEY', 'PVE2_POWER_WEBHOOK', 'PVE_ACCESS_SECRET', 'PVE_ACT_SECRET', 'PVE_READ_SECRET'],
    ],
    [
      'root-worker',
      [
        'HEARTBEAT_URL',
        'PAGER_KEY',
        'PVE2_POWER_WEBHOOK',
        'PVE3_ROOT_PASSWORD',
        'PVE_ACCESS_SECRET',
        'PVE_ACT_SECRET',
        'PVE_READ_SECRET',
        'PVE_ROOT_PASSWORD',
      ],
    ],
    ['lab', ['DISCORD_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET']],
    [
      'tool',
      [
        'DISCORD_TOKEN',
        'PVE_ACT_SECRET',
        'PVE_READ_SECRET',
        'SLACK_APP_TOKEN',
        'SLACK_BOT_TOKEN',
        'SLACK_SIGNING_SECRET',
      ],
    ],
  ] as const)('%s holds the ones it uses and no other', (role, names) => {
    expect(held(role)).toEqual([...names].toSorted())
  })

  test.each(roles)('%s starts without the secrets of others', (role) => {
    const own = Object.fromEntries(held(role).map((name) => [name, secrets[name as keyof typeof secrets]]))
    expect(() => loadConfig({ path: example, role, env: own })).not.toThrow()
  })

  test.each(['bot', 'worker', 'root-worker'] as const)('%s names each of its own that is not set', (role) => {
    const { faults } = refusal(() => loadConfig({ path: example, role, env: {} }))
    expect(faults.map(({ says }) => /\$\{(\w+)\}/.exec(says)?.[1]).toSorted()).toEqual(held(role))
    expect(faults.every(({ line }) => line > 1)).toBe(true)
  })

  test('a tool and the lab ask for none', () => {
    expect(loadConfig({ path: example, role: 'tool', env: {} }).clusters[0]?.tokens).toEqual({})
    expect(loadConfig({ path: example, role: 'lab', env: {} }).chat.slack).toBeUndefined()
  })

  test('a fault in a secret is not told to a process that does not use it', () => {
    expect(() => load(clusterWith('root: { password: [1, 2] }'), 'bot')).not.toThrow()
    expect(faultsOf(clusterWith('root: { password: [1, 2] }'), 'root-worker')[0]?.path).toBe(
      'clusters[0].root.password',
    )
  })

  test('an empty chat token switches the platform off; an empty token of Proxmox is a fault', () => {
    const chat = 'chat: { slack: { botToken: "${EMPTY}", appToken: "${EMPTY}" }, discord: { token: "${EMPTY}" } }'
    const config = load(withCluster(chat), 'bot', { EMPTY: '' })
    expect(config.chat).toEqual({ slack: {}, discord: { guilds: [] } })
    const text = withCluster('').replace('secret: s3cret', 'secret: ${EMPTY}')
    expect(faultsOf(text, 'bot', { EMPTY: '' })[0]).toMatchObject({
      path: 'clusters[0].token.secret',
      says: 'is empty',
    })
  })

  test('no error text holds one, wherever it was put', () => {
    const places = [
      'people: ${S}',
      'approvals: { drill: "${S}" }',
      'http: { listen: "${S}", publicUrl: "${S}" }',
      'oncall: { tz: "${S}", pager: { url: "${S}" } }',
      'heartbeat: { url: "${S}" }',
      'power: { pve1: "s3cret" }',
      'chat: { slack: { botToken: { a: "s3cret" } }, discord: "${S}" }',
      'roles: [{ role: "${S}", who: ["${S}"], clusters: ["${S}"] }]',
      'http: { publicUrl: "http://ana:s3cret@h" }',
      'redis: { prefix: "${S} ${NOPE}" }',
      'chat: { slack: { botToken: "s3cret\n }',
      'f: !!binary s3cret\ng: "\\s3cret"',
    ]
    for (const place of places) {
      const error = refusal(() =>
        load(withCluster(place), 'bot', { S: 's3cret', QUORUM_KEY: 's3cret', REDIS_URL: 's3cret' }),
      )
      expect(leaked(`${error.message} ${error.stack} ${inspect(error, { depth: 9 })}`), place).toEqual([])
    }
    const token = withCluster('').replace('{ id: q@pve!bot, secret: s3cret }', '"q@pve!bot=s3cret"')
    expect(leaked(refusal(() => load(token)).message)).toEqual([])
    const id = withCluster('').replace('q@pve!bot', 'q@pve!bot=s3cret')
    expect(leaked(refusal(() => load(id)).message)).toEqual([])
  })
})

describe('the lab', () => {
  test('needs no file, listens on loopback, and joins a platform whose tokens are set', () => {
    const alone = loadConfig({ role: 'lab', env: {} })
    expect(alone.chat).toEqual({ web: { listen: { host: '127.0.0.1', port: 8484 }, signIn: 'none' } })
    const joined = loadConfig({ role: 'lab', env: { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' } })
    expect(joined.chat.slack?.appToken?.reveal()).toBe('xapp-1')
    expect(joined.chat.discord).toBeUndefined()
  })

  test('keeps nothing of a file that reaches real machines or wakes real people', () => {
    const config = loadConfig({ path: example, role: 'lab', env: secrets })
    expect(config).toMatchObject({ clusters: [], hosts: [], power: {}, probes: {} })
    expect([config.heartbeat, config.oncall.pager]).toEqual([undefined, undefined])
    expect(config.roles).toHaveLength(3)
    expect(config.channels).toHaveLength(1)
  })

  test('takes a file without clusters', () => {
    expect(load('channels: [{ cluster: lab, post: [web:x] }]', 'lab').channels[0]?.cluster).toBe('lab')
  })
})

describe('whatever the file holds, ConfigFaults is the only error', () => {
  const only = (text: string) => {
    try {
      load(text, 'root-worker', secrets)
    } catch (error) {
      if (!(error instanceof ConfigFaults)) throw error
      expect(error.faults.length).toBeGreaterThan(0)
      for (const { says, hint, line } of error.faults) expect(says !== '' && hint !== '' && line >= 0).toBe(true)
    }
  }

  test('any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), only), { numRuns: 150 })
    const yamlish = fc.array(fc.constantFrom(...'ab:-?[]{}#&*!|>\'"%@`,$\n \t0.~'), { maxLength: 60 })
    fc.assert(
      fc.property(
        yamlish.map((parts) => parts.join('')),
        only,
      ),
      { numRuns: 250 },
    )
  })

  test('any values under the keys that exist', () => {
    const value = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, 0, -1, 1e21, '', 'main', 'ana', '2s', 'https://h', 'slack:U1', '${X}', '${file:x}'),
        fc.string(),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            'name',
            'endpoints',
            'token',
            'tokens',
            'listen',
            'url',
            'policy',
            'who',
            'ids',
            'tcp',
            '__proto__',
            'constructor',
          ),
          tie('any'),
          { maxKeys: 4 },
        ),
      ),
    })).any
    const sections = [
      'clusters',
      'hosts',
      'chat',
      'channels',
      'people',
      'roles',
      'approvals',
      'oncall',
      'heartbeat',
      'http',
      'power',
      'probes',
      'redis',
    ]
    const file = fc.dictionary(fc.constantFrom(...sections), value)
    fc.assert(
      fc.property(
        file.map((data) => JSON.stringify(data)),
        only,
      ),
      { numRuns: 250 },
    )
  })

  test('the example with any piece cut out or doubled', () => {
    const text = readFileSync(example, 'utf8')
    const cut = fc.tuple(fc.nat(text.length), fc.nat(60), fc.boolean()).map(([from, length, twice]) => {
      const piece = text.slice(from, from + length)
      return text.slice(0, from) + (twice ? piece + piece : '') + text.slice(from + length)
    })
    fc.assert(fc.property(cut, only), { numRuns: 100 })
  })
})
