import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

// What the scripts share. Node's own modules only: these files run before any package is installed.

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** A failure that is explained already: printed without a stack. */
export class StepError extends Error {}

/** Runs a script's main function, ends with its exit code, and prints failures in one sentence. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0
  } catch (error) {
    console.error(error instanceof StepError ? `error: ${error.message}` : error)
    process.exitCode = 1
  }
}

/** Hash of files and folders under the root (names and contents) and of further text, such as options and versions. */
export function hashOf(paths, ...texts) {
  const hash = createHash('sha256')
  for (const path of paths.flatMap((path) => listFiles(path)).sort())
    hash.update(`${path}\0`).update(readFileSync(join(root, path)))
  for (const text of texts) hash.update(`\0${text}`)
  return hash.digest('hex')
}

/** All files under a path, as paths from the base folder. */
export function listFiles(path, base = root) {
  const full = join(base, path)
  if (!existsSync(full)) return []
  if (statSync(full).isFile()) return [path]
  return readdirSync(full).flatMap((name) => listFiles(join(path, name), base))
}

const stampFile = (name) => join(root, '.cache', 'stamps', name)

/** Whether a step was done with these very inputs and its outputs are still there. */
export function isDone(name, hash, outputs = []) {
  const stamp = stampFile(name)
  const isSame = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash
  return isSame && outputs.every((path) => existsSync(join(root, path)))
}

export function markDone(name, hash) {
  mkdirSync(dirname(stampFile(name)), { recursive: true })
  writeFileSync(stampFile(name), hash)
}

/** One set-up at a time in a clone: a second waits until the first has ended, or died. */
export async function withLock(work) {
  const lock = join(root, '.cache', 'bootstrap.lock')
  mkdirSync(dirname(lock), { recursive: true })
  for (let isFirst = true; !take(lock); isFirst = false) {
    if (isHeld(lock)) {
      if (isFirst) console.error('waiting for another set-up in this folder')
      await sleep(300)
    } else {
      rmSync(lock, { force: true })
    }
  }
  const release = () => rmSync(lock, { force: true })
  const end = () => process.exit(130)
  process.on('exit', release).on('SIGINT', end).on('SIGTERM', end)
  try {
    return await work()
  } finally {
    release()
    process.off('exit', release).off('SIGINT', end).off('SIGTERM', end)
  }
}

function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function isHeld(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    // an empty file is a lock whose owner is about to write its number, unless it died at that moment
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs < 5_000
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Runs a command in sight of the user. @returns its exit code */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}

/** How often a line is printed where it cannot be overwritten. */
const LOG_INTERVAL_MS = 10_000

/**
 * Runs a long command under a title. While it runs its last line is shown; when it fails, all of its output.
 *
 * @throws StepError when it fails
 */
export async function runStep(title, command, args, { env = process.env, hint = '' } = {}) {
  const started = Date.now()
  const isTerminal = process.stderr.isTTY
  let output = ''
  let shownAt = 0
  const show = (text) => {
    output += text
    const line = text.trim().split('\n').at(-1)
    if (line === '' || Date.now() - shownAt < (isTerminal ? 100 : LOG_INTERVAL_MS)) return
    shownAt = Date.now()
    const status = `${title}  ${Math.round((Date.now() - started) / 1000)} s  ${line}`
    process.stderr.write(
      isTerminal ? `\r\x1b[K${status.slice(0, process.stderr.columns - 1)}` : `${status.slice(0, 160)}\n`,
    )
  }
  const code = await runPiped(command, args, env, show, hint)
  if (isTerminal) process.stderr.write('\r\x1b[K')
  if (code !== 0) {
    process.stderr.write(output)
    throw new StepError(`${title} failed (exit code ${code}); its output is above. ${hint}`.trim())
  }
  process.stderr.write(`${title}  done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

function runPiped(command, args, env, onText, hint) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.setEncoding('utf8').on('data', onText)
    child.stderr.setEncoding('utf8').on('data', onText)
    child.on('error', (error) =>
      reject(error.code === 'ENOENT' ? new StepError(`${command} was not found. ${hint}`.trim()) : error),
    )
    child.on('close', resolve)
  })
}

/** Imports a compiled file of the package. */
export function importBuilt(path) {
  return import(pathToFileURL(join(root, 'dist', path)).href)
}
