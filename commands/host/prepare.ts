import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { act, answer, defineCommand } from '../../src/core/command.ts'
import { Refused } from '../../src/core/errors.ts'
import { formatTime } from '../../src/core/time.ts'

const minutes = { '15m': 15, '30m': 30, '1h': 60, '2h': 120 } as const

/**
 * Opens a window in which one machine, and no other, may fetch its answer file for an unattended installation. Alone it
 * shows what would be installed. The medium that asks is prepared on the bot's machine, since it carries a token.
 */
export default defineCommand({
  role: 'admin',
  risk: 'changes',
  cluster: false,
  args: z.object({ host: arg.name(), open: arg.choice(['15m', '30m', '1h', '2h', 'off']).optional() }),
  positionals: ['host'],
  text: {
    en: {
      summary: 'Let one machine install Proxmox VE unattended',
      args: { host: 'Its name under hosts: in quorum.yaml', open: 'How long it may ask; off closes the window' },
      words: {
        title: 'Let {host} install itself until {until}',
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
      },
    },
    es: {
      summary: 'Dejar que un equipo instale Proxmox VE sin atención',
      args: {
        host: 'Su nombre bajo hosts: en quorum.yaml',
        open: 'Cuánto tiempo puede preguntar; off cierra la ventana',
      },
      words: {
        title: 'Dejar que {host} se instale solo hasta las {until}',
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
      },
    },
  },
  examples: [
    { say: 'host prepare pve4', answers: true },
    { say: 'host prepare pve4 open:30m', answers: true },
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
    const shows = [
      { name: say('disk'), value: 'serial' in disk ? disk.serial : disk.wwn },
      { name: say('serial'), value: found.serial },
      { name: 'MAC', value: found.mac },
      { name: say('filesystem'), value: found.filesystem },
      { name: say('address'), value: `${found.fqdn}, ${found.cidr ?? say('dhcp')}` },
    ]
    if (args.open === undefined) {
      return answer({ title: say('shows', { host }), text: say('showsText', { host }), fields: shows })
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
    const until = Date.now() + minutes[args.open] * 60_000
    const shown = formatTime(until, asker)
    return act({
      title: say('title', { host, until: shown }),
      shows,
      warnings: [say('erases', { host, disk: shows[0]!.value })],
      explain,
      async act() {
        const { identity: by, language } = asker
        await installs.open(host, { until, by, target: channel, language })
        return { title: say('opened', { host, until: shown }), state: 'ok', text: say('openedText'), fields: shows }
      },
    })
  },
})
