/** All endpoints below `/storage` and `/nodes/{node}/storage`. */
import type { Route } from '../router.ts'
import { routes as config } from './storage-config.ts'
import { routes as content } from './storage-content.ts'
import { routes as download } from './storage-download.ts'
import { routes as scan } from './storage-scan.ts'
import { routes as status } from './storage-status.ts'

export const routes: Route[] = [...config, ...status, ...content, ...download, ...scan]
