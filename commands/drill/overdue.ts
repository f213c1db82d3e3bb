import { z } from 'zod'
import { answer, defineCommand } from '../../src/core/command.ts'
import { overdueCard } from '../../src/core/drill-overdue.ts'
import { readHa } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import { provenGroups } from '../../src/ha/proven.ts'

const daySeconds = 24 * 3600

/** Which groups and rules of HA nobody has proven lately: never, or longer ago than configured. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({}),
  text: {
    en: { summary: 'HA groups and rules that no drill has proven lately', args: {} },
    es: { summary: 'Grupos y reglas de HA que ningún simulacro ha probado últimamente', args: {} },
  },
  examples: [{ say: 'drill overdue', answers: true }],
  async plan({ proxmox, cluster, house, asker, signal }) {
    const [site, reports] = await Promise.all([readHa(proxmox, signal), house.drills.list(cluster)])
    const withinSeconds = house.drills.provenWithinMs / 1000
    const groups = provenGroups(site, reports, { nowSeconds: Date.now() / 1000, withinSeconds })
    return answer(overdueCard(groups, withinSeconds / daySeconds, { ...asker, words: house.words[asker.language] }))
  },
})
