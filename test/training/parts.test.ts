import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { balancedWeights, DataLoader, fromTypedArray, memory, schedules, type Tensor } from 'eegtorch'
import { checkConfig, readConfigFile } from '../../lib/cli/train-config.ts'

const set = (rows: number) => ({
  inputs: fromTypedArray(
    Float32Array.from({ length: rows * 2 }, (_, i) => i),
    { shape: [rows, 2] },
  ) as Tensor,
  targets: fromTypedArray(BigInt64Array.from({ length: rows }, (_, i) => BigInt(i))) as Tensor,
})

async function rowsOf(batches: AsyncIterable<{ inputs: Tensor; targets: Tensor; indices: readonly number[] }>) {
  const rows: number[][] = []
  for await (const { targets, inputs, indices } of batches) {
    rows.push(Array.from(targets.toTypedArray() as BigInt64Array, Number))
    expect(Array.from(inputs.toTypedArray() as Float32Array).filter((_, i) => i % 2 === 0)).toEqual(
      indices.map((i) => 2 * i),
    )
  }
  return rows
}

describe('DataLoader', () => {
  test('covers the set in order, the last batch being what is left', async () => {
    expect(await rowsOf(new DataLoader(set(5), { batchSize: 2 }))).toEqual([[0, 1], [2, 3], [4]])
    expect(await rowsOf(new DataLoader(set(5), { batchSize: 2, dropLast: true }))).toEqual([
      [0, 1],
      [2, 3],
    ])
  })

  test('shuffles every epoch anew, by the seed and the number of the epoch alone', async () => {
    const loader = new DataLoader(set(20), { batchSize: 6, shuffle: true, seed: 7 })
    const [first, second] = [await rowsOf(loader), await rowsOf(loader)]
    expect(first.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(second).not.toEqual(first)
    const same = new DataLoader(set(20), { batchSize: 6, shuffle: true, seed: 7 })
    expect(await rowsOf(same.epoch(1, 2))).toEqual(second.slice(2))
  })

  test('frees what a loop that was left early did not take', async () => {
    const data = set(8)
    const before = memory().tensors
    for await (const _ of new DataLoader(data, { batchSize: 2 })) break
    expect(memory().tensors).toBe(before)
  })

  test.each([0, 1.5, Number.NaN])('refuses a batch size of %d', (batchSize) => {
    expect(() => new DataLoader(set(3), { batchSize })).toThrow(/batch size/)
  })
})

// torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10) and CosineAnnealingLR(T_max=10), PyTorch 2.11.0.
const ONE_CYCLE = [
  0.04, 0.52, 1, 0.950484632, 0.8117456539, 0.6112620219, 0.3887419781, 0.1882583461, 0.049519368, 4e-6,
]
const COSINE = [
  1, 0.9755282581, 0.9045084972, 0.7938926261, 0.6545084972, 0.5, 0.3454915028, 0.2061073739, 0.0954915028,
  0.0244717419,
]

test('schedules follow PyTorch', () => {
  const steps = Array.from({ length: 10 }, (_, i) => i)
  for (const [i, factor] of steps.map((step) => schedules.oneCycle()(step, 10)).entries())
    expect(factor).toBeCloseTo(ONE_CYCLE[i]!, 9)
  for (const [i, factor] of steps.map((step) => schedules.cosine()(step, 10)).entries())
    expect(factor).toBeCloseTo(COSINE[i]!, 9)
  expect(steps.map((step) => schedules.step({ every: 4, factor: 0.5 })(step, 10))).toEqual([
    1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25,
  ])
  expect(steps.slice(0, 5).map((step) => schedules.warmUp({ steps: 4 })(step, 10))).toEqual([0.25, 0.5, 0.75, 1, 1])
})

test('balanced weights make every class count alike', () => {
  expect(balancedWeights([10, 30])).toEqual([2, 2 / 3])
  expect(balancedWeights([10, 0, 30])).toEqual([2, 0, 2 / 3])
})

describe('configuration', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'eegtorch-config-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const write = (text: string) => {
    const file = join(folder, 'run.yaml')
    writeFileSync(file, text)
    return file
  }

  test('is read from YAML, with defaults', async () => {
    const config = checkConfig(await readConfigFile(write('model: eegnet\ndata: a\nwindow: [0, 2]\nseeds: [1, 5]\n')))
    expect(config).toMatchObject({ model: 'eegnet', window: [0, 2], seeds: [1, 5], epochs: 60, batchSize: 16 })
  })

  test('says which option is wrong, and the near one for a name that is nearly right', () => {
    const base = { model: 'eegnet', data: 'a' }
    expect(() => checkConfig({ ...base, epochs: 'ten' })).toThrow(/option epochs/)
    expect(() => checkConfig({ ...base, window: [3, 1] })).toThrow(/option window/)
    expect(() => checkConfig({ ...base, batch_size: 8 })).toThrow(/batch_size.*Did you mean batchSize/)
    expect(() => checkConfig({ ...base, leaveOut: 'run', folds: 3 })).toThrow(/one of leaveOut, folds and protocol/)
  })

  test('refuses what is no configuration, and a YAML bomb', async () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    await expect(readConfigFile(write(lines.join('\n')))).rejects.toMatchObject({ code: 'FILE_UNSAFE' })
    await expect(readConfigFile(write('- a\n- b'))).rejects.toMatchObject({ code: 'FILE_INVALID' })
    await expect(readConfigFile(write('a: [1'))).rejects.toMatchObject({ code: 'FILE_INVALID' })
    await expect(readConfigFile(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  })
})
