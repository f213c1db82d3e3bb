import type { Oncall, OncallPlan, Swap, Window } from '../../src/core/oncall.ts'

/** Who is on call, in memory. */
export class MemoryOncall implements Oncall {
  readonly plan: OncallPlan = {
    tz: 'UTC',
    rotation: { everyone: ['ana', 'luis'], handoff: { weekday: 1, minute: 540 } },
    policy: { critical: [{ afterMs: 0, notify: ['channel', 'person'] }], warning: [], info: [] },
  }
  readonly kept: { swaps: Swap[]; windows: Window[] } = { swaps: [], windows: [] }

  async swaps() {
    return this.kept.swaps
  }
  async addSwap(swap: Omit<Swap, 'id'>) {
    const added = { ...swap, id: `s-${this.kept.swaps.length}` }
    this.kept.swaps.push(added)
    return added
  }
  async windows() {
    return this.kept.windows
  }
  async openWindow(window: Omit<Window, 'id'>) {
    const opened = { ...window, id: `w-${this.kept.windows.length + 1}` }
    this.kept.windows.push(opened)
    return opened
  }
  async endWindow(id: string) {
    const window = this.kept.windows.find((one) => one.id === id && one.until > Date.now())
    if (window) window.until = Date.now()
    return window !== undefined
  }
}
