import { z } from 'zod'
import { answer, defineCommand } from '../../src/core/command.ts'
import { victimOf } from '../../src/core/drill-order.ts'
import { groupRow } from '../../src/core/drill-overdue.ts'
import { trendOf, trendText } from '../../src/core/drill-picture.ts'
import { longestOf, longestText } from '../../src/core/drill-report.ts'
import { readHa } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import { formatDuration, formatTime } from '../../src/core/time.ts'
import { provenGroups } from '../../src/ha/proven.ts'

/** The drills of a cluster, the newest first, with their trend, and when each group and rule of HA was last proven. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  needs: [reads.cluster, reads.guests, reads.nodes],
  args: z.object({}),
  text: {
    en: {
      summary: 'Drills so far, their trend, and when each HA group was last proven',
      args: {},
      words: {
        title: 'Drills: {count}',
        none: 'None yet. To plan one: drill plan NODE',
        proven: 'Last proven',
        result: 'Result',
      },
    },
    es: {
      summary: 'Los simulacros hasta ahora, su tendencia, y cuándo se probó por última vez cada grupo de HA',
      args: {},
      words: {
        title: 'Simulacros: {count}',
        none: 'Ninguno todavía. Para planear uno: drill plan NODO',
        proven: 'Última prueba',
        result: 'Resultado',
      },
    },
  },
  examples: [{ say: 'drill history', answers: true }],
  async plan({ cluster, proxmox, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const { labels, results, trend: said } = words.ha.drill
    const { kinds } = words.ha.impact
    const reports = await house.drills.list(cluster)
    const title = say('title', { count: reports.length })
    if (reports.length === 0) return answer({ title, text: say('none') })
    const reader = { ...asker, words }
    const trend = trendOf(reports, reader)
    const [site, url] = await Promise.all([
      readHa(proxmox, signal).catch(() => undefined),
      trend && house.drills.draw({ kind: 'trend', trend }),
    ])
    const within = { nowSeconds: Date.now() / 1000, withinSeconds: house.drills.provenWithinMs / 1000 }
    const groups = site && provenGroups(site, reports, within)
    const proven = groups?.map((group) => {
      const [name, , when] = groupRow(group, reader)
      return `${group.overdue ? '⚠️ ' : ''}${name}: ${when}`
    })
    return answer({
      title,
      ...(trend && url !== undefined ? { image: { alt: trendText(trend, words), url } } : {}),
      fields: [{ name: say('proven'), value: proven?.join('\n') || (proven ? labels.nobody : said.unseen) }],
      table: {
        columns: [labels.drill, labels.when, labels.node, labels.kind, say('result'), labels.longest],
        rows: reports.slice(0, 20).map((report) => {
          const longest = longestOf(report)
          return [
            report.id,
            formatTime(report.startedAt * 1000, asker),
            victimOf(report),
            kinds[report.kind as keyof typeof kinds],
            results[report.verdict],
            longest === undefined
              ? report.storage === undefined
                ? ''
                : longestText(report, words)
              : formatDuration(longest),
          ]
        }),
      },
    })
  },
})
