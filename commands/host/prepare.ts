import { z } from 'zod'
import { answerKeys } from '../../src/core/answer-schema.ts'
import { arg } from '../../src/core/args.ts'
import { act, answer, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import type { InstallSettings } from '../../src/core/install.ts'
import { formatTime } from '../../src/core/time.ts'

const minutes = { '15m': 15, '30m': 30, '1h': 60, '2h': 120 } as const

const must = ['fqdn', 'keyboard', 'country', 'timezone', 'mailto'] as const
const address = ['cidr', 'gateway', 'dns'] as const
/** An example of each, for whoever has to give it. */
const examples = {
  ...{ fqdn: 'pve4.example.com', keyboard: 'es', country: 'ec', timezone: 'America/Guayaquil' },
  ...{ mailto: 'admin@example.com', cidr: '10.0.0.4/24', gateway: '10.0.0.1', dns: '10.0.0.1' },
}

/**
 * Opens a window in which one machine, and no other, may fetch its answer file for an unattended installation: what erases
 * a disk is decided on by two people. Alone it shows what would be installed, and what nobody has said yet. The medium that
 * asks is prepared on the bot's machine, since it carries a token.
 */
export default defineCommand({
  role: 'admin',
  risk: 'changes',
  cluster: false,
  args: z.object({
    host: arg.name(),
    open: arg.choice(['15m', '30m', '1h', '2h', 'off']).optional(),
    fqdn: arg.text().optional(),
    keyboard: arg.text().optional(),
    country: arg.text().optional(),
    timezone: arg.text().optional(),
    mailto: arg.text().optional(),
    cidr: arg.text().optional(),
    gateway: arg.text().optional(),
    dns: arg.text().optional(),
  }),
  positionals: ['host'],
  text: {
    en: {
      summary: 'Let one machine install Proxmox VE unattended',
      args: {
        host: 'Its name under hosts: in quorum.yaml',
        open: 'How long it may ask; off closes the window',
        fqdn: 'Its name with the domain',
        keyboard: 'Keyboard, such as es or en-us',
        country: 'Country in two letters',
        timezone: 'Such as America/Guayaquil',
        mailto: 'Who gets its e-mail',
        cidr: 'Its address with the prefix; else by DHCP',
        gateway: 'Its gateway',
        dns: 'Its name server',
      },
      words: {
        title: 'Let {host} install itself within {open} from the decision',
        missing: 'Not said yet',
        given: 'Settings',
        opened: 'The window of {host} is open until {until}',
        openedText: 'Start it from its prepared medium now. Its answer file is given out once, to this machine alone.',
        closes: 'Close the window of {host}',
        closed: 'The window of {host} is closed',
        shows: 'How {host} would be installed',
        showsText:
          'Prepare its medium on the machine of the bot: `quorum medium {host}`. Then: `host prepare {host} open:30m`',
        disk: 'Disk that is ERASED',
        serial: 'DMI serial',
        filesystem: 'Filesystem',
        address: 'Address',
        dhcp: 'by DHCP',
        erases: 'All that is on disk {disk} of {host} is lost.',
        byHand: 'Write answer.toml by hand and put it on the medium',
      },
      refusals: {
        'no-install-listener': {
          says: 'There is no listener for answer files.',
          hint: 'In quorum.yaml: http: { install: { listen: 10.0.0.10:8486, url: "https://10.0.0.10:8486" } }',
        },
        'not-installable': {
          says: 'quorum.yaml does not say how to install "{given}". It says so for: {names}',
          hint: 'In quorum.yaml, under hosts: add install: and mac: (docs/unattended-install.md)',
        },
        'install-missing': {
          says: 'Neither quorum.yaml nor the line says of {host}: {missing}.',
          hint: '{line}',
        },
        'install-setting': {
          says: '"{given}" does not fit {arg} of the answer file, such as {example}.',
          hint: '{line}',
        },
      },
    },
    es: {
      summary: 'Dejar que un equipo instale Proxmox VE sin atención',
      args: {
        host: 'Su nombre bajo hosts: en quorum.yaml',
        open: 'Cuánto tiempo puede preguntar; off cierra la ventana',
        fqdn: 'Su nombre con el dominio',
        keyboard: 'Teclado, por ejemplo es o en-us',
        country: 'País en dos letras',
        timezone: 'Por ejemplo America/Guayaquil',
        mailto: 'Quién recibe su correo',
        cidr: 'Su dirección con el prefijo; si no, por DHCP',
        gateway: 'Su puerta de enlace',
        dns: 'Su servidor de nombres',
      },
      words: {
        title: 'Dejar que {host} se instale solo dentro de {open} desde la decisión',
        missing: 'Falta decir',
        given: 'Ajustes',
        opened: 'La ventana de {host} está abierta hasta las {until}',
        openedText:
          'Enciéndelo ahora desde su medio preparado. Su archivo de respuestas se entrega una vez, y solo a ese equipo.',
        closes: 'Cerrar la ventana de {host}',
        closed: 'La ventana de {host} está cerrada',
        shows: 'Cómo se instalaría {host}',
        showsText:
          'Prepara su medio en el equipo del bot: `quorum medium {host}`. Después: `host prepare {host} open:30m`',
        disk: 'Disco que se BORRA',
        serial: 'Número de serie DMI',
        filesystem: 'Sistema de archivos',
        address: 'Dirección',
        dhcp: 'por DHCP',
        erases: 'Se pierde todo lo que hay en el disco {disk} de {host}.',
        byHand: 'Escribir answer.toml a mano y ponerlo en el medio',
      },
      refusals: {
        'no-install-listener': {
          says: 'No hay ningún puerto para archivos de respuestas.',
          hint: 'En quorum.yaml: http: { install: { listen: 10.0.0.10:8486, url: "https://10.0.0.10:8486" } }',
        },
        'not-installable': {
          says: 'quorum.yaml no dice cómo instalar «{given}». Lo dice para: {names}',
          hint: 'En quorum.yaml, bajo hosts: agrega install: y mac: (docs/unattended-install.md)',
        },
        'install-missing': {
          says: 'Ni quorum.yaml ni la línea dicen de {host}: {missing}.',
          hint: '{line}',
        },
        'install-setting': {
          says: '«{given}» no sirve como {arg} del archivo de respuestas, por ejemplo {example}.',
          hint: '{line}',
        },
      },
    },
  },
  examples: [
    { say: 'host prepare pve4', answers: true },
    { say: 'host prepare pve4 open:30m mailto:admin@lab.test', answers: true },
    { say: 'host prepare pve4 open:30m', refuses: 'install-missing' },
    { say: 'host prepare pve4 open:30m mailto:admin@lab.test cidr:10.0.0.4/24', refuses: 'install-missing' },
    { say: 'host prepare pve4 open:30m mailto:nobody', refuses: 'install-setting' },
    { say: 'host prepare pve4 open:off', answers: true },
    { say: 'host prepare nobody open:30m', refuses: 'not-installable' },
  ],
  plan({ args, say, house, asker, channel }) {
    const { installs } = house
    if (installs.url === undefined) throw new Refused('no-install-listener')
    const known = installs.list()
    const found = known.find(({ name }) => name.toLowerCase() === args.host.toLowerCase())
    const names = known.map(({ name }) => name).join(', ') || '-'
    if (!found) throw new Refused('not-installable', { given: args.host, names })
    const { name: host, disk } = found
    const line = `host prepare ${host}${args.open === undefined ? '' : ` open:${args.open}`}`
    const { settings, missing } = settled(args, found.settings, line)
    const shows = [
      { name: say('disk'), value: 'serial' in disk ? disk.serial : disk.wwn },
      { name: say('serial'), value: found.serial },
      { name: 'MAC', value: found.mac },
      { name: say('filesystem'), value: found.filesystem },
      { name: say('address'), value: [settings.fqdn ?? '–', settings.cidr ?? say('dhcp')].join(', ') },
      { name: say('given'), value: [...must, ...address].flatMap((key) => settings[key] ?? []).join(', ') },
    ]
    if (args.open === undefined) {
      const open = missing.length === 0 ? [] : [{ name: say('missing'), value: missing.join(', ') }]
      return answer({ title: say('shows', { host }), text: say('showsText', { host }), fields: [...shows, ...open] })
    }
    const explain = { shell: ['proxmox-auto-install-assistant prepare-iso --help'], clicks: [say('byHand')] }
    if (args.open === 'off') {
      return act({
        title: say('closes', { host }),
        shows: [],
        explain,
        async act() {
          await installs.close(host)
          return { title: say('closed', { host }) }
        },
      })
    }
    if (missing.length > 0) {
      const rest = missing.map((key) => `${key}:${examples[key]}`).join(' ')
      throw new Refused('install-missing', { host, missing: missing.join(', '), line: `${line} ${rest}` })
    }
    const open = args.open
    const told = settings as InstallSettings
    return act({
      title: say('title', { host, open }),
      shows,
      warnings: [say('erases', { host, disk: shows[0]!.value })],
      explain,
      // Whoever opens it gives a disk away.
      risk: 'destroys',
      state: { settings: told, machine: [found.serial, found.mac, disk, found.filesystem] },
      async act(once) {
        const until = Date.now() + minutes[open] * 60_000
        const { identity: by, language } = asker
        await installs.open(host, { until, by, target: channel, language, settings: told }, once)
        const shown = formatTime(until, asker)
        return { title: say('opened', { host, until: shown }), state: 'ok', text: say('openedText'), fields: shows }
      },
    })
  },
})

type Settings = Partial<Record<keyof InstallSettings, string | undefined>>

/**
 * What was typed goes before what the configuration says, each held against the documented answer file.
 * @throws Refused `install-setting`
 */
function settled(typed: Settings, written: Settings, line: string) {
  const settings: Settings = {}
  for (const key of [...must, ...address]) {
    const value = typed[key]?.trim() ?? written[key]
    if (value === undefined) continue
    const { holds } = answerKeys[address.some((one) => one === key) ? 'network' : 'global']![key]!
    if (!holds.safeParse(value).success) {
      const example = examples[key]
      throw new Refused('install-setting', { given: value, arg: key, example, line: `${line} ${key}:${example}` })
    }
    settings[key] = value
  }
  const fixed = address.some((key) => settings[key] !== undefined)
  const missing = [...must, ...(fixed ? address : [])].filter((key) => settings[key] === undefined)
  return { settings, missing }
}
