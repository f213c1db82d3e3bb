import htm from 'htm'
import { h, type VNode } from 'preact'

/** htm's types describe its CommonJS build; the browser gets the ES module, whose default export is the function. */
const template = htm as unknown as typeof htm.default

/** Markup as a tagged template. Values become text or properties, never HTML. */
export const html = template.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode
