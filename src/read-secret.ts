import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

interface Terminal extends Readable {
  isTTY?: boolean
  setRawMode?(raw: boolean): unknown
}

/**
 * One line that is typed unseen, or all of a piped input without its last line break. Undefined when it is given up
 * (Ctrl-C, Ctrl-D). The terminal echoes again afterwards, however it ends.
 */
export async function readSecret(input: Terminal, prompt: (words: string) => void): Promise<string | undefined> {
  if (!input.isTTY) return (await text(input)).replace(/\r?\n$/, '')
  input.setRawMode?.(true)
  prompt('Secret (not shown): ')
  try {
    return await typed(input)
  } finally {
    input.setRawMode?.(false)
    input.pause()
    prompt('\n')
  }
}

const enter = ['\r', '\n']
/** Ctrl-C, Ctrl-D. */
const giveUp = ['\u0003', '\u0004']
const backspace = ['\b', '\u007f']

function typed(input: Readable): Promise<string | undefined> {
  input.setEncoding('utf8')
  return new Promise((resolve) => {
    const line: string[] = []
    const end = (value: string | undefined) => {
      input.off('data', hear)
      input.off('end', ended)
      resolve(value)
    }
    const ended = () => end(undefined)
    const hear = (keys: string) => {
      for (const key of keys) {
        if (giveUp.includes(key)) return end(undefined)
        if (enter.includes(key)) return end(line.join(''))
        if (backspace.includes(key)) line.pop()
        else line.push(key)
      }
    }
    input.on('data', hear)
    input.on('end', ended)
  })
}
