import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { House } from '../app.ts'
import type { Config } from '../config.ts'
import { Refused } from '../core/errors.ts'
import type { Installs } from '../core/install.ts'
import { fill, type Values } from '../core/language.ts'
import type { Message } from '../core/message.ts'
import { listenHealth } from '../http/health.ts'
import { answerFile } from '../install/answer.ts'
import { installListener, type Machine, type Refusal } from '../install/listener.ts'
import { InstallWindows, installToken, type State } from '../jobs/install-windows.ts'
import type { Seal } from '../jobs/seal.ts'
import { installEn } from '../text/install-en.ts'
import { installEs } from '../text/install-es.ts'

type Ready = Config['hosts'][number] & { install: NonNullable<Config['hosts'][number]['install']>; mac: string }

const words = { en: installEn, es: installEs }

const readyHosts = ({ hosts }: Config): Ready[] =>
  hosts.filter((host): host is Ready => host.install?.passwordHash !== undefined && host.mac !== undefined)

/** Where installers find the listener: as it is written, or where it listens if that is one address. */
export function installUrl({ http }: Config, port = http.install?.listen.port): string | undefined {
  if (!http.install) return undefined
  if (http.install.url !== undefined) return http.install.url
  const { host } = http.install.listen
  if (host === '0.0.0.0' || host === '::') return undefined
  return `http${http.tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Of our own certificate, for what must pin it. */
export const pinOf = ({ http }: Config): string | undefined =>
  http.tls && new X509Certificate(readFileSync(http.tls.cert)).fingerprint256

/** For a machine that has Proxmox's assistant. */
export function mediumCommand(config: Config, url: string, host: string, seal: Seal): string {
  const pin = pinOf(config)
  return [
    'proxmox-auto-install-assistant prepare-iso proxmox-ve.iso --fetch-from http',
    `--url ${url}/answer/${installToken(seal, host)}`,
    ...(pin === undefined ? [] : [`--cert-fingerprint ${pin}`]),
  ].join(' ')
}

const openWindows = (house: House) =>
  new InstallWindows({ redis: house.prompt, prefix: house.prefix, seal: house.seal, now: Date.now })

/** Unattended installation as commands see it; `url` is known where a listener is configured. */
export function openInstalls(house: House): Installs {
  const { config } = house
  const windows = openWindows(house)
  return {
    url: installUrl(config),
    list: () =>
      readyHosts(config).map(({ name, mac, install }) => {
        const { serial, disk, filesystem, passwordHash: _, ...settings } = install
        return { name, mac, serial, disk, filesystem, settings }
      }),
    open: (name, window, once) => windows.open(name, window, once),
    close: (name) => windows.close(name),
  }
}

/** The listener for answer files, off unless it is configured; undefined where it is off, or no machine is to be installed. */
export async function openInstallListener(house: House): Promise<{ url: string; close(): Promise<void> } | undefined> {
  const { config, log } = house
  const at = config.http.install
  if (!at || readyHosts(config).length === 0) return undefined
  const desk = new InstallDesk(house)
  const app = installListener({ ask: desk.ask, installed: desk.installed, log })
  const server = await listenHealth(app, at.listen, config.http.tls)
  desk.url = installUrl(config, server.port)
  const url = desk.url ?? `port ${server.port}`
  log.info({ url }, 'answer files for unattended installation')
  return { url, close: server.close }
}

/** Decides who is given an answer file, and tells people of each time somebody asked. */
class InstallDesk {
  url: string | undefined
  readonly #house: House
  readonly #windows: InstallWindows

  constructor(house: House) {
    this.#house = house
    this.#windows = openWindows(house)
  }

  readonly ask = async (token: string, machine: Machine, from: string) => {
    const host = this.#hostOf(token)
    const state = host && (await this.#windows.state(host.name))
    if (!host || !state || this.url === undefined) return { refused: 'no-window' as const }
    const refuse = async (refused: Refusal) => {
      await this.#tellRefused(host, state, refused, machine, from)
      return { refused }
    }
    if (!isIt(host, machine)) return refuse('wrong-machine')
    if (state.served) return refuse('served-before')
    const answer = this.#answer(host, state, token, machine)
    if (answer instanceof Refused) {
      await this.#tellMisfit(host, state, answer)
      return { refused: 'misfit' as const }
    }
    const { by } = state.window
    // No audit, no effect: what erases a disk is written down first.
    await this.#house.audit.log.append({ kind: 'effect', who: by, line: `answer file for ${host.name} to ${from}` })
    if (!(await this.#windows.serve(host.name))) return refuse('served-before')
    const { disk } = host.install
    const values = { host: host.name, from, disk: 'serial' in disk ? disk.serial : disk.wwn }
    const say = words[state.window.language]
    await this.#tell(host, state, 'served', {
      title: fill(say.served, values),
      state: 'warning',
      text: fill(say.servedText, values),
    })
    return { answer }
  }

  readonly installed = async (token: string, machine: Machine, address: string | undefined): Promise<boolean> => {
    const host = this.#hostOf(token)
    const state = host && (await this.#windows.state(host.name))
    if (!host || !state?.served || !isIt(host, machine)) return false
    const say = words[state.window.language]
    const values = { host: host.name, address: address ?? state.window.settings.cidr ?? host.endpoint }
    await this.#tell(host, state, 'done', {
      title: fill(say.done, values),
      state: 'ok',
      text: fill(say.doneText, values),
    })
    await this.#windows.close(host.name)
    return true
  }

  /** Made before anything is given out: an installer that would not take it is told to people and changes nothing. */
  #answer(host: Ready, { window }: State, token: string, { release }: Machine): string | Refused {
    const told = { url: `${this.url}/installed/${token}`, fingerprint: pinOf(this.#house.config) }
    const { passwordHash, filesystem, disk } = host.install
    try {
      const machine = { passwordHash: passwordHash!, filesystem, disk, mac: host.mac }
      return answerFile({ ...window.settings, ...machine }, told, release)
    } catch (error) {
      if (error instanceof Refused) return error
      throw error
    }
  }

  async #tellMisfit(host: Ready, state: State, { code, values }: Refused): Promise<void> {
    const { misfit, why } = words[state.window.language]
    const text = fill(why[code as 'installer-too-old' | 'answer-misfit'], values)
    await this.#tell(host, state, 'misfit', { title: fill(misfit, { host: host.name }), state: 'warning', text })
  }

  #hostOf = (token: string): Ready | undefined =>
    readyHosts(this.#house.config).find(({ name }) => this.#windows.tokenOf(name) === token)

  /** One card a window for all that is refused, so that nobody fills the channel by asking. */
  async #tellRefused(host: Ready, state: State, why: Refusal, machine: Machine, from: string): Promise<void> {
    const say = words[state.window.language]
    const count = await this.#windows.refused(host.name)
    const values: Values = { host: host.name, count, from, serial: machine.serial, macs: machine.macs.join(', ') }
    const text = `${fill(say.why[why as Exclude<Refusal, 'misfit'>], values)}\n${fill(say.again, values)}`
    await this.#tell(host, state, 'refused', { title: fill(say.refused, values), state: 'warning', text }, count)
  }

  async #tell({ name }: Ready, { window }: State, what: string, message: Message, order = 0): Promise<void> {
    const { target, language, until } = window
    await this.#house.outbox.put({ key: `install-${name}-${until}-${what}`, target, language, message, order })
  }
}

const isIt = ({ install, mac }: Ready, machine: Machine): boolean =>
  machine.serial !== '' && machine.serial === install.serial && machine.macs.includes(mac)
