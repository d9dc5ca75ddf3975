import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  balancedWeights,
  DataLoader,
  describedSchedule,
  fromTypedArray,
  memory,
  type Schedule,
  schedules,
  type Tensor,
} from 'eegtorch'
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

// What PyTorch's schedulers do; see make_schedules.py beside it.
const scheduled = JSON.parse(readFileSync(new URL('../fixtures/training/schedules.json', import.meta.url), 'utf8'))
const linear = { anneal: 'linear', rise: 0.4, start: 0.1, end: 1e-3 } as const
const SCHEDULES: Record<string, Schedule> = {
  constant: schedules.constant(),
  step: schedules.step({ every: 7, factor: 0.5 }),
  multiStep: schedules.multiStep({ milestones: [5, 9, 30], factor: 0.3 }),
  exponential: describedSchedule({ name: 'exponential', factor: 0.9 }),
  polynomial: schedules.polynomial({ power: 2 }),
  cosine: schedules.cosine({ final: 0.05 }),
  cosineRestarts: describedSchedule({ name: 'cosineRestarts', first: 5, times: 2, final: 0.01 }),
  oneCycle: describedSchedule('oneCycle'),
  oneCycleLinear: schedules.oneCycle(linear),
  oneCycleThree: schedules.oneCycle({ anneal: 'linear', threePhase: true }),
  warmUp: describedSchedule('cosine', 8),
}

test.each(Object.keys(scheduled.factors))('the schedule %s gives the factors that PyTorch gives', (name) => {
  const schedule = SCHEDULES[name]!
  const factors = Array.from({ length: scheduled.steps }, (_, step) => schedule(step, scheduled.steps))
  const far = factors.map((factor, i) => Math.abs(factor - scheduled.factors[name][i]))
  expect(Math.max(...far)).toBeLessThan(1e-9)
})

test('schedules refuse what gives no rate', () => {
  expect(() => schedules.step({ every: 0 })).toThrow(/schedule is not usable/)
  expect(() => schedules.cosineRestarts({ first: 5, times: 0.5 })).toThrow(/schedule is not usable/)
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
