/**
 * The ports that core is generic over. Each adapter adds its own here by module augmentation
 * (`declare module '../core/ports.ts'`), so that core names no platform and imports no adapter.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by the adapters
export interface Ports {}

type Port<K extends string> = Ports extends Record<K, infer P> ? P : never

/** Reading a cluster; what a command's plan gets. */
export type ProxmoxPort = Port<'proxmox'>
/** Acting on a cluster; what a worker's run gets. */
export type ProxmoxWriterPort = Port<'proxmoxWriter'>
/** root@pam on hosts and clusters; what a worker of root-only jobs gets. */
export type ProxmoxRootPort = Port<'proxmoxRoot'>
/** The tokens for managing access; what a worker that changes rights gets. */
export type ProxmoxAccessPort = Port<'proxmoxAccess'>
/** The words shared by all commands, one set a language. */
export type Words = Port<'words'>
