import { fill } from './language.ts'
import { type JobRequest, partOf, type Results, type Worker, type WorkerWords } from './worker.ts'

type Ended = Parameters<NonNullable<Worker['leftovers']>>[0]

/** What exists on the cluster because of the parts of a job that did not end well; of those that had begun. */
export async function leftOfParts(parts: readonly JobRequest[], { job, results, ...rest }: Omit<Ended, 'payload'>) {
  const left = parts.map(async ({ worker, payload }, i) => {
    const own = resultsOf(results, i + 1)
    if (Object.keys(own).length === 0) return []
    const words: WorkerWords['words'] = worker.text[job.language].words
    const say: Ended['say'] = (key, values) => fill(words?.[key] ?? `{${key}}`, values)
    const id = partOf(job.id, i + 1)
    return (await worker.leftovers?.({ ...rest, payload, job: { ...job, id }, say, results: own })) ?? []
  })
  return (await Promise.all(left)).flat()
}

/** The steps of one part, under its own names. */
const resultsOf = (results: Results, n: number): Results =>
  Object.fromEntries(
    Object.entries(results).flatMap(([name, value]) =>
      name.startsWith(`${n}/`) ? [[name.slice(`${n}/`.length), value]] : [],
    ),
  )
