import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { errorOf, Fault, getLab, postLab, type Speaker } from './api.ts'
import type { ApiError, Lab } from './wire.ts'

const everyMs = 1000

export interface LabView {
  /** undefined: not known yet, or `absent`. */
  lab: Lab | undefined
  /** `absent`: this server has no lab (404). `lost`: it had one and does not answer; the picture is old. */
  link: 'unknown' | 'live' | 'lost' | 'absent'
  fault: ApiError | undefined
  /** Changes the lab (`path` below /api/lab) and looks at once. */
  order(path: string, body: object): void
}

/** The lab as it is now, looked at every second while the page can be seen. */
export function useLab(speaker: Speaker): LabView {
  const [view, set] = useState<Omit<LabView, 'order'>>({ lab: undefined, link: 'unknown', fault: undefined })
  const look = useRef<() => Promise<void>>(async () => undefined)

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let stopped = false
    let looking = 0
    look.current = async () => {
      clearTimeout(timer)
      if (stopped || document.visibilityState === 'hidden') return
      const mine = ++looking
      const seen = await seeLab()
      if (stopped || mine !== looking) return // a later look overtook this one
      set((before) => ({ ...before, ...seen }))
      if (seen.link !== 'absent') timer = setTimeout(() => void look.current(), everyMs)
    }
    const visible = () => void look.current()
    document.addEventListener('visibilitychange', visible)
    void look.current()
    return () => {
      stopped = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', visible)
    }
  }, [])

  const order = useCallback(
    (path: string, body: object) => {
      postLab(speaker, path, body)
        .then(() => undefined, errorOf)
        .then((fault) => set((before) => ({ ...before, fault })))
        .then(() => look.current())
    },
    [speaker],
  )
  return { ...view, order }
}

async function seeLab(): Promise<Partial<LabView> & Pick<LabView, 'link'>> {
  try {
    return { lab: await getLab(), link: 'live' }
  } catch (thrown) {
    return thrown instanceof Fault && thrown.status === 404 ? { lab: undefined, link: 'absent' } : { link: 'lost' }
  }
}
