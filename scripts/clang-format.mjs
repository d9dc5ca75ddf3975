import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles, main, root, run, runStep, StepError } from './steps.mjs'

/** Every release formats a little differently, so one is pinned; it comes from pip, into .cache/tools. */
const VERSION = '19.1.7'
const folder = join(root, '.cache', 'tools', `clang-format-${VERSION}`)
const program = join(folder, 'clang_format', 'data', 'bin', 'clang-format')

async function install() {
  if (existsSync(program)) return
  rmSync(folder, { recursive: true, force: true })
  const flags = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check']
  const hint = 'clang-format comes through pip: Debian, Ubuntu: apt install python3-pip.'
  await runStep('installing clang-format', 'python3', [...flags, '--target', folder, `clang-format==${VERSION}`], {
    hint,
  })
}

/** Formats cpp/ and binding/, or only says which lines are not formatted. @throws StepError naming the files */
export async function clangFormat({ write }) {
  await install()
  const files = ['cpp', 'binding'].flatMap((part) => listFiles(part)).filter((path) => /\.(h|cpp|cu|cuh)$/.test(path))
  if (files.length === 0) return
  const flags = write ? ['-i'] : ['--dry-run', '--Werror']
  const code = await run(program, ['--style=file', ...flags, ...files.filter((path) => !isGenerated(path))])
  if (code !== 0) throw new StepError('C++ is not formatted: run npm run format')
}

function isGenerated(path) {
  return readFileSync(join(root, path), 'utf8').startsWith('// Generated')
}

if (process.argv[1] === import.meta.filename) await main(() => clangFormat({ write: true }))
