import type { Person } from './core/roles.ts'

/** Why there can be no link; the message is for the person at the terminal. */
class NoLogin extends Error {
  override readonly name = 'NoLogin'
}

/**
 * The web identity of a person of the configuration, or the one that was named.
 * @throws NoLogin for a person without one, and for what is no name
 */
export function webIdentity(name: string, people: readonly Person[]): string {
  const person = people.find((one) => one.name === name)
  if (person) {
    const own = person.ids.find((id) => id.startsWith('web:'))
    if (own) return own
    throw new NoLogin(`${name} has no web identity: add "web:${name.replaceAll(' ', '.')}" to the ids under people:.`)
  }
  const bare = name.replace(/^web:/, '')
  if (/^[\p{L}\p{N}._@-]{1,64}$/u.test(bare)) return `web:${bare}`
  throw new NoLogin(`"${name}" is neither a person of the configuration nor a name of letters, digits and ._@-`)
}

/**
 * Where people open the chat, the public address first. Its server answers to no other names.
 * @throws NoLogin where the chat is off, signs nobody in, or cannot be reached
 */
export function chatAddresses(
  web: { listen: { host: string; port: number }; signIn: 'link' | 'none' } | undefined,
  publicUrl: string | undefined,
): [string, ...string[]] {
  if (!web) throw new NoLogin('The web chat is off: there is no chat.web in the configuration.')
  if (web.signIn === 'none') throw new NoLogin('The web chat has signIn: none, so nobody has to sign in.')
  const { host, port } = web.listen
  const everywhere = host === '0.0.0.0' || host === '::'
  const local = everywhere || host === 'localhost' || host === '::1' || host.startsWith('127.')
  const shown = everywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  const here = local && port !== 0 ? [`http://${shown}:${port}`] : []
  const [first, ...rest] = [...(publicUrl === undefined ? [] : [publicUrl]), ...here]
  if (first !== undefined) return [first, ...rest]
  throw new NoLogin('The chat has no address that a browser may use: set http.publicUrl, or listen on 127.0.0.1:8484.')
}
