import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

/** The folder of package.json; every step runs there. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

let stoppedBy

/** Runs a step of the preparation. Without `show` its output is kept and comes back, newest last. */
export function step(file, args, { show = false } = {}) {
  return new Promise((resolve, reject) => {
    const shown = show ? 'inherit' : 'pipe'
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', shown, shown] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output = (output + chunk).slice(-20_000)
      })
    }
    const release = onSignals((signal) => {
      stoppedBy = signal
      child.kill(signal)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      release()
      if (stoppedBy) process.exit(128 + constants.signals[stoppedBy])
      resolve({ ok: code === 0, output: output.trim() })
    })
  })
}

function onSignals(listener) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}

/**
 * Runs the command itself, in a process group of its own, so that a terminal's Ctrl-C reaches it through us alone, once.
 * What is left of the group when the command has ended is ended too. Comes back with the command's exit code.
 */
export function handOver(args, env) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', detached: true, env })
  const isNew = newPresses()
  let presses = 0
  onSignals((signal) => {
    if (!isNew(signal)) return
    presses += 1
    if (presses > 2) return tell(-child.pid, 'SIGKILL')
    tell(signal === 'SIGINT' ? -child.pid : child.pid, signal === 'SIGHUP' ? 'SIGTERM' : signal)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      tell(-child.pid, 'SIGKILL')
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}

/**
 * Tells a second press of Ctrl-C, which programs take for impatience, from the echo of the first: the terminal signals
 * npm and us, and npm passes its own on to us.
 */
export function newPresses(now = Date.now) {
  const seenAt = new Map()
  return (signal) => {
    const before = seenAt.get(signal) ?? Number.NEGATIVE_INFINITY
    seenAt.set(signal, now())
    return now() - before > 400
  }
}

function tell(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended in the meantime.
  }
}

export const lastLines = (text, count) => text.trim().split('\n').slice(-count).join('\n')
