import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { root, step } from './children.mjs'
import { Fault } from './fault.mjs'

function filesBelow(folder, skip = []) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (skip.includes(path)) return []
    return entry.isDirectory() ? filesBelow(path, skip) : [path]
  })
}

/** Every file that ends up in dist/: TypeScript by way of tsc; what lies beside it in src/ (pages, styles) as it is. */
function sources() {
  const own = ['src', 'commands', 'workers'].flatMap((folder) => filesBelow(folder, ['src/setup.mjs', 'src/setup']))
  return [...own, ...filesBelow('test', ['test/recordings']).filter((path) => path.endsWith('.ts'))]
}

const builtAs = (source) => `dist/${source.replace(/\.ts$/, '.js')}`

function digestOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) {
    const stat = statSync(join(root, path), { throwIfNoEntry: false })
    hash.update(`${path} ${stat?.mtimeMs} ${stat?.size}\n`)
  }
  return hash.digest('hex')
}

/** Brings dist/ in line with the sources; returns at once when no source came, went or changed since the last build. */
export async function build() {
  const files = sources().filter((path) => !path.endsWith('.d.ts'))
  const digest = digestOf([...files, 'tsconfig.json', 'package-lock.json'])
  const stamp = join(root, 'dist/.build')
  const isWhole = files.every((path) => existsSync(join(root, builtAs(path))))
  if (isWhole && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  console.log('Building (tsc) …')
  await rm(stamp, { force: true })
  // tsc's own note says that a file was written, not that it is still there.
  if (!isWhole) await rm(join(root, 'dist/.tsbuildinfo'), { force: true })
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']
  const { ok } = await step(process.execPath, tsc, { show: true })
  if (!ok) throw new Fault('The build failed: see what tsc says above.')
  await copyAssets(files)
  await removeStale(files)
  await writeFile(stamp, digest)
}

async function copyAssets(files) {
  for (const path of files.filter((file) => !file.endsWith('.ts'))) {
    await mkdir(dirname(join(root, builtAs(path))), { recursive: true })
    await copyFile(join(root, path), join(root, builtAs(path)))
  }
}

/** A command is found by its file, so one whose source is gone would live on in dist/. */
async function removeStale(files) {
  const kept = new Set(files.map(builtAs))
  const built = ['src', 'commands', 'workers', 'test'].flatMap((folder) => filesBelow(`dist/${folder}`))
  for (const path of built) if (!kept.has(path)) await rm(join(root, path))
}
