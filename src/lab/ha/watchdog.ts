/** The node's watchdog: whoever has opened it must touch it every minute, or the node is reset. */
import type { Clock } from '../clock.ts'

const SECONDS = 60

export interface Watchdog {
  touch(daemon: string): void
  close(daemon: string): void
  /** Somebody has not touched it for a minute. */
  isOver(): boolean
}

export function createWatchdog(clock: Clock): Watchdog {
  const touched = new Map<string, number>()
  return {
    touch: (daemon) => void touched.set(daemon, clock.now()),
    close: (daemon) => void touched.delete(daemon),
    isOver: () => [...touched.values()].some((at) => clock.now() - at >= SECONDS),
  }
}
