import { Refused } from './errors.ts'
import type { Values } from './language.ts'
import type { ProxmoxRootPort } from './ports.ts'
import type { Secret } from './secret.ts'

type Place = Parameters<ProxmoxRootPort['open']>[0]
export type Rooted = ReturnType<ProxmoxRootPort['open']>

/** A client whose password has been tried, so that a wrong one is told before anything is sent. Throws `Refused`. */
export async function enterAsRoot(
  root: ProxmoxRootPort,
  place: Place,
  { password, about }: { password?: Secret | undefined; about: Values },
): Promise<Rooted> {
  const client = root.open(place, password)
  try {
    const door = await client.logIn()
    if (door === 'in') return client
    throw new Refused(door === 'wrong-password' ? 'root-password' : 'root-second-factor', about)
  } catch (error) {
    await client.close()
    throw error
  }
}
