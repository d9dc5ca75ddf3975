import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jest } from '@jest/globals'
import { Command } from 'commander'
import { tensor } from 'eegtorch'
import { describe as describeVerify } from '../../lib/cli/verify.ts'
import { compareTensors } from '../../lib/verify/compare.ts'
import { findParityCases } from '../../lib/verify/parity-case.ts'
import { type CaseResult, verifyCase } from '../../lib/verify/verify-case.ts'

const source = join(dirname(fileURLToPath(import.meta.url)), '..', 'oracle', 'cases', 'aae_discriminator')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-verify-'))
  cpSync(join(source, '1-train'), folder, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Replaces text in a file by text of the same length, in its bytes. */
function patch(name: string, from: string, to: string): void {
  const path = join(folder, name)
  const text = readFileSync(path, 'latin1')
  expect(text).toContain(from)
  writeFileSync(path, text.replace(from, to), 'latin1')
}

function failures({ tensors }: CaseResult): [string, string | undefined][] {
  return tensors.filter(({ passed }) => !passed).map(({ name, problem }) => [name, problem])
}

test('a case passes as it is', async () => {
  expect(await verifyCase(folder)).toMatchObject({ model: 'aae_discriminator', mode: 'train', passed: true })
})

test('a gradient that the reference lacks, and one that we lack, both fail', async () => {
  patch('expected.safetensors', 'grad.model.0.bias', 'grad.model.9.bias')
  const result = await verifyCase(folder)
  expect(result.passed).toBe(false)
  expect(failures(result)).toEqual([
    ['grad.model.9.bias', 'missing'],
    ['grad.model.0.bias', 'not expected'],
  ])
})

test('one changed number fails its tensor alone', async () => {
  const path = join(folder, 'expected.safetensors')
  const bytes = readFileSync(path)
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >
  const at = 8 + Number(bytes.readBigUInt64LE()) + header['grad.model.2.weight']!.data_offsets[0]
  bytes.writeFloatLE(bytes.readFloatLE(at) + 0.01, at)
  writeFileSync(path, bytes)
  const result = await verifyCase(folder)
  expect(failures(result)).toEqual([['grad.model.2.weight', undefined]])
  expect(result.tensors.find(({ name }) => name === 'grad.model.2.weight')!.absolute).toBeCloseTo(0.01, 5)
})

test('a tensor of another shape or dtype fails and says so', () => {
  const tolerance = { abs: 1, rel: 1 }
  expect(compareTensors('x', tensor([1, 2]), tensor([[1, 2]]), tolerance)).toMatchObject({
    passed: false,
    problem: 'expected float32 (1, 2), received float32 (2)',
  })
  expect(compareTensors('x', tensor([1]), tensor([1], { dtype: 'float64' }), tolerance).passed).toBe(false)
})

test('what is not a number never passes', () => {
  const tolerance = { abs: 1e9, rel: 1e9 }
  for (const [got, want] of [
    [Number.NaN, 1],
    [1, Number.NaN],
    [Number.POSITIVE_INFINITY, 1],
  ]) {
    expect(compareTensors('x', tensor([got!]), tensor([want!]), tolerance).passed).toBe(false)
  }
})

test('an unknown model, weights of other names and a truncated file are reported, not thrown', async () => {
  patch('weights.safetensors', 'model.0.bias', 'model.7.bias')
  expect((await verifyCase(folder)).error).toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    message: expect.stringMatching(/aae_discriminator: missing model.0.bias; unexpected model.7.bias$/),
  })
  truncateSync(join(folder, 'inputs.safetensors'), 100)
  expect((await verifyCase(folder)).error).toMatchObject({ code: 'FILE_TRUNCATED' })
  patch('case.json', '"aae_discriminator"', '"aae_discriminatos"')
  cpSync(join(source, '1-train', 'inputs.safetensors'), join(folder, 'inputs.safetensors'))
  expect((await verifyCase(folder)).error).toMatchObject({
    code: 'UNKNOWN_NAME',
    message: 'no model is called aae_discriminatos. Did you mean aae_discriminator?',
  })
  patch('case.json', '"train"', '"trial"')
  expect((await verifyCase(folder)).error).toMatchObject({
    code: 'FILE_INVALID',
    message: expect.stringMatching(/mode/),
  })
})

test('cases are found at any depth; a folder without any is an error', async () => {
  expect(await findParityCases([source, join(source, '1-train')])).toHaveLength(3)
  rmSync(join(folder, 'case.json'))
  await expect(findParityCases([folder])).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
})

async function runVerify(...words: string[]): Promise<{ output: string; exitCode: typeof process.exitCode }> {
  const log = jest.spyOn(console, 'log').mockImplementation(() => {})
  const before = process.exitCode
  process.exitCode = undefined // another test's, in this process
  try {
    const command = new Command('verify').exitOverride()
    describeVerify(command)
    await command.parseAsync(words, { from: 'user' })
    return { output: log.mock.calls.map(([text]) => text).join('\n'), exitCode: process.exitCode }
  } finally {
    process.exitCode = before
    log.mockRestore()
  }
}

test('the command prints a line per tensor and fails when one differs', async () => {
  const good = await runVerify(source)
  expect(good.output).toMatch(/^ {2}pass {2}grad\.model\.0\.bias +abs \d\.\de-?\+?\d+ +rel /m)
  expect(good.output).toMatch(/3 of 3 cases passed/)
  expect(good.exitCode).toBeFalsy()
  patch('expected.safetensors', 'grad.model.0.bias', 'grad.model.9.bias')
  const bad = await runVerify(folder)
  expect(bad.output).toMatch(/^ {2}FAIL {2}grad\.model\.9\.bias +missing$/m)
  expect(bad.exitCode).toBe(1)
})

test('--json gives the same as data', async () => {
  const { output } = await runVerify('--json', folder)
  const report = JSON.parse(output) as { passed: boolean; cases: CaseResult[] }
  expect(report.passed).toBe(true)
  expect(report.cases[0]).toMatchObject({ folder, model: 'aae_discriminator', passed: true })
  expect(report.cases[0]!.tensors).toHaveLength(11)
})
