import type { Fields } from '../slack/fields.ts'

/** One call of the API that has passed the front: known route, right token, a body the OpenAPI allows. */
export interface ApiRequest {
  params: Record<string, string>
  query: URLSearchParams
  body: unknown
  /** Names of the files of a multipart body. */
  files: string[]
}

/** Answers with JSON; undefined is 204. */
export type Handler = (request: ApiRequest) => Fields | Fields[] | undefined
