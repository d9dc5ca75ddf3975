import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../lib/setup/paths.ts'

const main = join(packageRoot, 'dist', 'cli', 'main.js')
const eegtorch = (...words: string[]) => {
  const { NODE_OPTIONS: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], { encoding: 'utf8', env })
  return { status, stdout, stderr }
}

test('a misspelt option or command is answered with the near one, in one line, with exit code 2', () => {
  expect(eegtorch('setup', '--cudaa')).toEqual({
    status: 2,
    stdout: '',
    stderr: 'error: unknown option --cudaa. Did you mean --cuda?\n',
  })
  expect(eegtorch('doctr').stderr).toBe('error: unknown command doctr. Did you mean doctor?\n')
  expect(eegtorch('setup', '--torch', 'newest')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('received "newest"'),
  })
})

test('version and help go to standard output, with examples', () => {
  expect(eegtorch('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  const help = eegtorch('setup', '--help')
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(help.stdout).toContain('--cuda')
  expect(help.stdout).toContain('Examples:')
  expect(eegtorch('help', 'setup').stdout).toBe(help.stdout)
  expect(eegtorch()).toMatchObject({ status: 0, stdout: expect.stringContaining('doctor') })
})

test('whoever reads what is printed may stop before its end', () => {
  const command = '{ "$0" "$1" train --help; echo $? >&2; } | true'
  const { stderr } = spawnSync('sh', ['-c', command, process.execPath, main], { encoding: 'utf8' })
  expect(stderr).toBe('141\n')
})

test('a failure is one line without a stack; for scripts it is JSON; EEGTORCH_DEBUG shows the stack', () => {
  // a cache folder below a file cannot be made
  process.env.XDG_CACHE_HOME = join(packageRoot, 'package.json')
  try {
    const plain = eegtorch('setup')
    expect(plain.status).toBe(1)
    expect(plain.stderr).toMatch(/^EegTorchError \[SETUP_FAILED\]: LibTorch could not be set up in .*\n$/)
    const { error } = JSON.parse(eegtorch('setup', '--json').stdout) as { error: { code: string; message: string } }
    expect(error.code).toBe('SETUP_FAILED')
    process.env.EEGTORCH_DEBUG = '1'
    expect(eegtorch('setup').stderr).toMatch(/\n\s+at /)
  } finally {
    delete process.env.XDG_CACHE_HOME
    delete process.env.EEGTORCH_DEBUG
  }
})
