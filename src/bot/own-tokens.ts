import type { Config } from '../config.ts'
import type { House } from '../core/house.ts'
import type { TokenLook } from '../doctor/rights.ts'
import type { RightsBoard } from '../jobs/rights-board.ts'

/** Which tokens are ours: the reading one is known here, of the others the workers that hold them tell. */
export function ownTokens({ clusters }: Pick<Config, 'clusters'>, board: RightsBoard): House['ownTokens'] {
  return async (cluster) => {
    const told = async (holder: 'act' | 'access') =>
      (await board.read<TokenLook>(cluster, holder).catch(() => undefined))?.token
    const [act, access] = await Promise.all([told('act'), told('access')])
    const read = clusters.find(({ name }) => name === cluster)?.tokens.read?.id
    const all = [...new Set([read, act, access].flatMap((token) => token ?? []))]
    return { all, ...(access === undefined ? {} : { access }) }
  }
}
