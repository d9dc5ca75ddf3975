import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveLibTorch } from '../../lib/setup/libtorch.ts'
import { packageRoot } from '../../lib/setup/paths.ts'

// A build from source in an installed package, whose tools npm has put beside it rather than into it.

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eegtorch-build-')))
const modules = join(folder, 'node_modules')
const installed = join(modules, 'eegtorch')

beforeAll(() => {
  mkdirSync(installed, { recursive: true })
  for (const part of ['package.json', 'CMakeLists.txt', 'cpp', 'binding']) {
    cpSync(join(packageRoot, part), join(installed, part), { recursive: true })
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What CMake's configuring prints, errors included; undefined where it succeeds. */
function configure(): string | undefined {
  const options = [`-DEEGTORCH_LIBTORCH=${resolveLibTorch().dir}`, `-DNODE=${process.execPath}`]
  const { NODE_PATH: _, ...env } = process.env
  try {
    const flags = ['-S', installed, '-B', join(installed, 'build'), '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON', ...options]
    execFileSync('cmake', flags, { env, stdio: 'pipe', encoding: 'utf8' })
    return undefined
  } catch (error) {
    return (error as { stderr: string }).stderr
  }
}

test('without the headers of N-API, the build says which package is missing and what to run', () => {
  // hides a copy in a folder above, which does not count here
  mkdirSync(join(modules, 'node-api-headers'))
  writeFileSync(join(modules, 'node-api-headers', 'package.json'), '{ "exports": {} }')
  expect(configure()?.replaceAll(/\s+/g, ' ')).toContain(
    'the npm package node-api-headers is missing: npm install --save-dev node-addon-api node-api-headers lmdb',
  )
})

test('headers are found where npm hoisted them', () => {
  for (const name of ['node-addon-api', 'node-api-headers', 'lmdb']) {
    cpSync(realpathSync(join(packageRoot, 'node_modules', name)), join(modules, name), { recursive: true })
  }
  expect(configure()).toBeUndefined()
  const commands = JSON.parse(readFileSync(join(installed, 'build', 'compile_commands.json'), 'utf8')) as {
    file: string
    command: string
  }[]
  const addon = commands.find(({ file }) => file.endsWith('binding/addon.cpp'))!
  expect(addon.command).toContain(` ${join(modules, 'node-addon-api')} `)
  expect(addon.command).toContain(` ${join(modules, 'node-api-headers', 'include')} `)
  const lmdb = commands.find(({ file }) => file.endsWith('liblmdb/mdb.c'))!
  expect(lmdb.file).toContain(join(modules, 'lmdb'))
  const core = commands.find(({ file }) => file.endsWith('cpp/registry.cpp'))!
  expect(core.command).not.toContain('node-a')
})
