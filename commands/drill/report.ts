import { z } from 'zod'
import { arg } from '../../src/core/args.ts'
import { answer, defineCommand } from '../../src/core/command.ts'
import { bandsOf, pictureText } from '../../src/core/drill-picture.ts'
import { reportCard } from '../../src/core/drill-report.ts'
import { Refused } from '../../src/core/errors.ts'

/** One drill: foretold beside seen, and its timeline. */
export default defineCommand({
  role: 'viewer',
  risk: 'reads',
  args: z.object({ drill: arg.job().optional() }),
  positionals: ['drill'],
  text: {
    en: {
      summary: 'One drill: foretold beside seen, a machine a row, and its timeline',
      args: { drill: 'Its id; the newest unless given' },
      refusals: {
        'no-report': { says: 'No drill has ended in {cluster} yet.', hint: 'drill overdue' },
        'unknown-drill': { says: 'No drill {given} has ended here.', hint: 'drill history' },
      },
    },
    es: {
      summary: 'Un simulacro: lo previsto junto a lo visto, una máquina por fila, y su cronología',
      args: { drill: 'Su id; sin él, el último' },
      refusals: {
        'no-report': { says: 'En {cluster} todavía no ha terminado ningún simulacro.', hint: 'drill overdue' },
        'unknown-drill': { says: 'Aquí no ha terminado ningún simulacro {given}.', hint: 'drill history' },
      },
    },
  },
  examples: [
    { say: 'drill report', refuses: 'no-report' },
    { say: 'drill report j-0000', refuses: 'unknown-drill' },
  ],
  async plan({ args, cluster, house, asker }) {
    const reports = await house.drills.list(cluster)
    const given = args.drill?.toLowerCase()
    const report = given === undefined ? reports[0] : reports.find(({ id }) => id.toLowerCase().startsWith(given))
    if (!report && given === undefined) throw new Refused('no-report', { cluster })
    if (!report) throw new Refused('unknown-drill', { given: args.drill ?? '' })
    const words = house.words[asker.language]
    const url = await house.drills.draw({ kind: 'bands', bands: bandsOf(report, words) })
    const picture = url === undefined ? {} : { image: { alt: pictureText(report), url } }
    return answer({ ...reportCard(report, { words, ...asker }), ...picture })
  },
})
