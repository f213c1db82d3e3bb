import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRedisUrl } from '../src/config.ts'
import { InstallWindows } from '../src/jobs/install-windows.ts'
import { connect } from '../src/jobs/redis.ts'
import { Seal } from '../src/jobs/seal.ts'
import { labRoles } from '../src/membership.ts'
import { type Chat, Crew } from './crew.ts'

const hash = '$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/'
const mac = 'bc:24:11:0a:0b:0c'
const question = (serial = 'CZJ1', macs = ['aa:bb:cc:dd:ee:ff', mac.toUpperCase()]) => ({
  product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
  iso: { release: '9.1', isorelease: '1' },
  dmi: { system: { serial, uuid: '0', name: 'x' }, baseboard: {}, chassis: {} },
  network_interfaces: macs.map((one, i) => ({ link: `eno${i}`, mac: one })),
})
const report = (serial = 'CZJ1') => ({
  fqdn: 'pve4.lab.test',
  dmi: question(serial).dmi,
  'network-interfaces': [{ mac, 'is-management': true, address: '10.0.0.4/24' }],
})

let crew: Crew
let chat: Chat & { close(): Promise<void> }
let folder: string
let cert: string
let port: number
let token: string
let windows: InstallWindows

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorum-install-'))
  const made = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keySize: 2048,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  cert = made.cert
  await Promise.all([writeFile(join(folder, 'cert.pem'), made.cert), writeFile(join(folder, 'key.pem'), made.private)])
  crew = await Crew.start()
  port = 20_000 + (process.pid % 20_000)
  const install = {
    serial: 'CZJ1',
    fqdn: 'pve4.lab.test',
    keyboard: 'es',
    country: 'ec',
    timezone: 'America/Guayaquil',
    passwordHash: hash,
    disk: { serial: 'S4EVNF0M1' },
    cidr: '10.0.0.4/24',
    gateway: '10.0.0.1',
    dns: '10.0.0.1',
  }
  chat = await crew.bot('install', {
    http: {
      listen: '127.0.0.1:0',
      tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') },
      install: { listen: `127.0.0.1:${port}` },
    },
    hosts: [{ name: 'pve4', endpoint: 'https://10.0.0.4:8006', mac, install }],
    roles: [...labRoles, { role: 'admin', who: ['web:second'] }],
  })
  const { QUORUM_KEY } = await crew.environment('key')
  const redis = connect(parseRedisUrl(crew.redis.url), 'prompt', () => {})
  windows = new InstallWindows({
    redis,
    prefix: 'install',
    seal: new Seal(Buffer.from(QUORUM_KEY!, 'hex')),
    now: Date.now,
  })
  token = windows.tokenOf('pve4')
})

afterAll(async () => {
  await crew.close()
  await rm(folder, { recursive: true, force: true })
})

/** As the installer asks: with our certificate pinned. */
function post(path: string, body: unknown): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca: cert })
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', agent }, (reply) => {
      let text = ''
      reply.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      reply.on('end', () => resolve({ status: reply.statusCode!, text }))
    })
    asked.on('error', reject)
    asked.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
}

const told = (title: string) => chat.card((message) => message.title.startsWith(title), title)

test('nothing is given out before a window is open', async () => {
  expect(await post(`/answer/${token}`, question())).toEqual({ status: 404, text: '' })
})

test('in a window the file goes once, to the machine whose token, serial and MAC are right', async () => {
  await chat.say('admin', 'host prepare pve4 open:30m')
  const missing = await chat.card(({ error }) => error !== undefined, 'what is missing')
  expect(missing.message.error).toMatchObject({
    code: 'install-missing',
    hint: 'host prepare pve4 open:30m mailto:admin@example.com',
  })
  await chat.say('admin', 'host prepare pve4 open:30m mailto:admin@lab.test')
  const asked = await told('Let pve4 install itself within 30m')
  await chat.click('admin', asked.id, 'confirm')
  await chat.card(({ actions }) => actions?.some(({ id }) => id === 'approve') === true, 'the wish for an approval')
  // Nobody opens it alone.
  expect((await post(`/answer/${token}`, question())).status).toBe(404)
  await chat.click('second', asked.id, 'approve')
  const opened = await told('The window of pve4 is open until')
  expect(opened.id).toBe(asked.id)
  expect(opened.message.fields).toContainEqual({ name: 'Disk that is ERASED', value: 'S4EVNF0M1' })
  expect((await post('/answer/xxxxxxxxxxxxxxxxxxxx', question())).status).toBe(404)
  expect((await post(`/answer/${token}`, 'no JSON')).status).toBe(400)
  expect((await post(`/answer/${token}`, question('OTHER'))).status).toBe(403)
  expect((await post(`/answer/${token}`, question(''))).status).toBe(403)
  expect((await post(`/answer/${token}`, question('CZJ1', ['aa:bb:cc:dd:ee:ff']))).status).toBe(403)
  expect((await told('An answer file for pve4 was refused (3)')).message.text).toContain('DMI serial CZJ1')
  // Before it has been served nobody can say that it is done.
  expect((await post(`/installed/${token}`, report())).status).toBe(404)

  const answers = await Promise.all([1, 2, 3].map(() => post(`/answer/${token}`, question())))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403])
  const { text } = answers.find(({ status }) => status === 200)!
  expect(parse(text)).toEqual({
    global: {
      keyboard: 'es',
      country: 'ec',
      fqdn: 'pve4.lab.test',
      mailto: 'admin@lab.test',
      timezone: 'America/Guayaquil',
      'root-password-hashed': hash,
      'reboot-on-error': false,
    },
    network: {
      source: 'from-answer',
      cidr: '10.0.0.4/24',
      gateway: '10.0.0.1',
      dns: '10.0.0.1',
      filter: { ID_NET_NAME_MAC: '*bc24110a0b0c' },
    },
    'disk-setup': { filesystem: 'ext4', filter: { ID_SERIAL_SHORT: 'S4EVNF0M1' }, 'filter-match': 'all' },
    'post-installation-webhook': {
      url: `https://127.0.0.1:${port}/installed/${token}`,
      'cert-fingerprint': expect.stringMatching(/^(?:[\dA-F]{2}:){31}[\dA-F]{2}$/),
    },
  })
  await told('pve4 has fetched its answer file')

  expect((await post(`/installed/${token}`, report('OTHER'))).status).toBe(404)
  expect((await post(`/installed/${token}`, report())).status).toBe(200)
  expect((await told('pve4 is installed')).message.text).toContain('10.0.0.4/24')
  expect((await post(`/answer/${token}`, question())).status).toBe(404)
  const said = JSON.stringify(await chat.messages())
  expect(said).not.toContain('$6$')
  expect(said).not.toContain(token)
})

test('a window that has ended, or was closed, gives nothing', async () => {
  const settings = {
    fqdn: 'pve4.lab.test',
    keyboard: 'es',
    country: 'ec',
    timezone: 'UTC',
    mailto: 'a@lab.test',
  } as const
  const window = { by: 'web:admin' as const, target: 'web:general', language: 'en' as const, settings }
  await windows.open('pve4', { ...window, until: Date.now() - 1 }, 'one')
  expect((await post(`/answer/${token}`, question())).status).toBe(404)
  await windows.open('pve4', { ...window, until: Date.now() + 60_000 }, 'two')
  // The same wish heard again, as after a crash, does not give a second file out.
  expect((await post(`/answer/${token}`, question())).status).toBe(200)
  await windows.open('pve4', { ...window, until: Date.now() + 60_000 }, 'two')
  expect((await post(`/answer/${token}`, question())).status).toBe(403)
  await windows.open('pve4', { ...window, until: Date.now() + 60_000 }, 'three')
  const older = { ...question(), iso: { release: '8.2', isorelease: '1' } }
  expect((await post(`/answer/${token}`, older)).status).toBe(403)
  expect((await told('The answer file of pve4 does not fit')).message.text).toContain('Proxmox VE 8.2')
  await chat.say('admin', 'host prepare pve4 open:off')
  await told('The window of pve4 is closed')
  expect((await post(`/answer/${token}`, question())).status).toBe(404)
  await chat.say('operator', 'host prepare pve4 open:30m', 'rights')
  await chat.card(({ error }) => error?.code === 'not-allowed', 'the refusal', 'rights')
})
