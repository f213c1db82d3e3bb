/** How the workers of guests end when they do not end well. */
import type { TaskHandle } from '../tasks.ts'

/** Somebody pressed Stop: the worker still takes back what it began. A worker that died with its host does not. */
export const isInterrupted = (task: TaskHandle) =>
  task.signal.aborted && (task.signal.reason as Error).message === 'received interrupt'

export const mayCleanUp = (task: TaskHandle) => !task.signal.aborted || isInterrupted(task)
