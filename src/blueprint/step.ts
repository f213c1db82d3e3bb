import type { Refused } from '../core/errors.ts'
import type { Values } from '../core/language.ts'

export const sections = ['cluster', 'storage', 'guests', 'ha'] as const
export type Section = (typeof sections)[number]

/** `so`: already true. `todo`: `job` makes it true. `never`: it cannot be made true, and `why` says so. */
export type Step = {
  section: Section
  /** Stable, and one of its kind: `guest 100`. */
  id: string
  /** What it is about: a key of the words, and what fills it. */
  what: StepWords
} & ({ state: 'so' } | { state: 'todo'; job: Job } | { state: 'never'; why: Why })

/** By the worker's name; its payload as the worker takes it. */
export interface Job {
  worker: string
  payload: unknown
  /** The chat command that does this alone. */
  command: string
  /** The same by hand. */
  shell: string[]
  /** A LUN whose beginning is cleared, though nothing proves that it is empty: what others must agree to. */
  wipes?: string
}

export interface StepWords {
  key: 'create' | 'join' | 'storage' | 'download' | 'guest' | 'group' | 'rule' | 'resource'
  values: Values
}

export interface Why {
  code:
    | 'other-cluster'
    | 'other-first'
    | 'no-link'
    | 'no-host'
    | 'no-array'
    | 'unreadable'
    | 'not-taken'
    | 'refused'
    | 'by-hand'
    | 'differs'
    | 'vmid-taken'
    | 'no-node'
    | 'no-storage'
    | 'no-images'
    | 'no-iso'
    | 'no-space'
    | 'no-guest'
    | 'wipes'
  values: Values
  /** For `refused`: what the command for this alone would say. */
  refused?: Refused
}

export const so = (section: Section, id: string, what: StepWords): Step => ({ section, id, what, state: 'so' })
export const todo = (section: Section, id: string, what: StepWords, job: Job): Step => ({
  section,
  id,
  what,
  state: 'todo',
  job,
})
export const never = (section: Section, id: string, what: StepWords, why: Why): Step => ({
  section,
  id,
  what,
  state: 'never',
  why,
})
