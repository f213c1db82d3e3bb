import { z } from 'zod'
import { answer, defineCommand } from '../../src/core/command.ts'
import { longestOf } from '../../src/core/drill-report.ts'
import { formatDuration, formatTime } from '../../src/core/time.ts'

/** The drills of a cluster, the newest first, and which machines have been proven when. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  args: z.object({}),
  text: {
    en: {
      summary: 'Drills so far, and when each machine was last proven to come back',
      args: {},
      words: {
        title: 'Drills: {count}',
        none: 'None yet. To plan one: drill plan NODE',
        proven: 'Last proven',
        result: 'Result',
      },
    },
    es: {
      summary: 'Los simulacros hasta ahora, y cuándo se probó por última vez que vuelve cada máquina',
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
  async plan({ cluster, say, house, asker }) {
    const { labels, results } = house.words[asker.language].ha.drill
    const { kinds } = house.words[asker.language].ha.impact
    const reports = await house.drills.list(cluster)
    const title = say('title', { count: reports.length })
    if (reports.length === 0) return answer({ title, text: say('none') })
    const proven = new Map<string, string>()
    for (const report of reports) {
      for (const { name, sid, verdict } of report.guests) {
        const when = formatTime(report.startedAt * 1000, asker)
        if (verdict === 'as-predicted' && !proven.has(sid)) proven.set(sid, `${name} (${sid}): ${when}`)
      }
    }
    return answer({
      title,
      fields: [{ name: say('proven'), value: [...proven.values()].join('\n') || labels.nobody }],
      table: {
        columns: [labels.drill, labels.when, labels.node, labels.kind, say('result'), labels.longest],
        rows: reports.slice(0, 20).map((report) => {
          const longest = longestOf(report)
          return [
            report.id,
            formatTime(report.startedAt * 1000, asker),
            report.node,
            kinds[report.kind as keyof typeof kinds],
            results[report.verdict],
            longest === undefined ? '' : formatDuration(longest),
          ]
        }),
      },
    })
  },
})
