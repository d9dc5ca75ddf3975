import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { launch } from '../../lib/distributed/launch.ts'
import { packageRoot } from '../../lib/setup/paths.ts'
import { builtEntry, type ChildResult, runNode } from '../built.ts'
import { writeSimulatedFiles } from '../recordings/simulated-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-distributed-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Several processes on cores that others want. */
const PATIENCE_MS = 180_000

const childFile = (name: string) => join(packageRoot, 'test', 'distributed', 'children', name)

/** Runs a program of `children/` in two processes. */
async function inTwo(name: string, ...words: string[]): Promise<{ code: number; output: string }> {
  let output = ''
  const collect = () =>
    new PassThrough().on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const environment = { ...process.env, NODE_OPTIONS: '', OMP_NUM_THREADS: '1' }
  const command = [process.execPath, childFile(name), builtEntry, ...words] as const
  const code = await launch({ command, processes: 2, environment, stdout: collect(), stderr: collect() })
  return { code, output }
}

type Weights = Record<string, number[]>

interface Training {
  results: { loss: number; gradNorm: number; correct: number; count: number; mass: number }[]
  figures: Record<string, number>
  weights: Weights
}

interface Found {
  recurrent: Training
  perceptron: Training
  uneven: Training
  dropout: { loss: number; sameState: boolean }
  collectives: Record<string, unknown>
  refused: Record<string, { code: string; message: string }>
  fit: { result: { epochs: Record<string, number>[]; bestEpoch: number; steps: number }; weights: Weights }
  stopped: { code: string }
  resumed: boolean
  summed: { change: number; error: number }
}

/** What is thrown where process 0 and process 1 say different things. */
const disagreement = (first: string, second: string) => ({
  code: 'SHAPE_MISMATCH',
  message: `the processes disagree: expected ${first}, as in process 0, received ${second}, in process 1`,
})

function largestDifference(a: Weights, b: Weights): number {
  expect(Object.keys(a)).toEqual(Object.keys(b))
  let largest = 0
  for (const [name, values] of Object.entries(a)) {
    for (const [i, value] of values.entries()) largest = Math.max(largest, Math.abs(value - b[name]![i]!))
  }
  return largest
}

describe('data-parallel training', () => {
  let alone: Found
  let two: [Found, Found]

  beforeAll(async () => {
    const env = { NODE_OPTIONS: '', OMP_NUM_THREADS: '1' }
    const [one, both] = await Promise.all([
      runNode([childFile('data-parallel.mjs'), builtEntry, folder], { env, timeout: PATIENCE_MS }),
      inTwo('data-parallel.mjs', folder),
    ])
    expect([one.code, one.stderr]).toEqual([0, ''])
    expect(both).toEqual({ code: 0, output: '' })
    const read = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Found
    alone = read('1-0')
    two = [read('2-0'), read('2-1')]
  }, PATIENCE_MS)

  test.each(['recurrent', 'perceptron', 'uneven'] as const)(
    'two processes give the weights of one with the whole batch: %s',
    (name) => {
      for (const { [name]: training } of two) {
        expect(largestDifference(training.weights, alone[name].weights)).toBeLessThanOrEqual(1e-6)
      }
      expect(largestDifference(two[0][name].weights, two[1][name].weights)).toBe(0)
      expect(alone[name].results.at(-1)!.loss).not.toBe(alone[name].results[0]!.loss)
    },
  )

  test.each(['recurrent', 'uneven'] as const)('figures are those of the whole batch: %s', (name) => {
    for (const { [name]: training } of two) {
      for (const [i, expected] of alone[name].results.entries()) {
        const { loss, gradNorm, ...counts } = training.results[i]!
        const { loss: wholeLoss, gradNorm: wholeNorm, ...wholeCounts } = expected
        expect(counts).toEqual(wholeCounts)
        expect(Math.abs(loss - wholeLoss)).toBeLessThanOrEqual(1e-6 * wholeLoss)
        expect(Math.abs(gradNorm - wholeNorm)).toBeLessThanOrEqual(1e-5 * wholeNorm)
      }
    }
  })

  test('gradients travel in two buckets', () => {
    expect(alone.perceptron.figures).toEqual({})
    for (const { perceptron } of two) {
      expect(perceptron.figures).toMatchObject({ num_buckets: 2, num_parameter_tensors: 8 })
    }
  })

  test('dropout differs between processes, and their random state does not', async () => {
    expect(two[0].dropout).toEqual(two[1].dropout)
    expect(two[0].dropout.sameState).toBe(true)
    expect(Math.abs(two[0].dropout.loss - alone.dropout.loss)).toBeGreaterThan(1e-4)
  })

  test('collectives', () => {
    for (const { collectives } of two) {
      expect(collectives).toEqual({
        ...{ sum: [3, -1], mean: [1.5, -0.5], min: [1, -1], max: [2, 0] },
        broadcast: [10, 13, 11, 14, 12, 15],
        allGather: [
          [1, 1],
          [0, 1],
        ],
        value: { rank: 1, text: 'ä' },
        anyOf: [true, false],
      })
    }
  })

  test('networks infer with weights as the processes have reduced them', () => {
    for (const { summed } of two) {
      expect(summed.change).toBeGreaterThan(1e-3)
      expect(summed.error).toBe(0)
    }
  })

  test('processes that disagree are refused, and can go on', () => {
    expect(two[0].refused).toEqual({
      shape: disagreement('sum of float32 (2)', 'sum of float32 (1)'),
      call: disagreement('barrier', 'sum of float32 (1)'),
      mean: { code: 'DTYPE_MISMATCH', message: expect.stringContaining('integers have no mean') },
      root: { code: 'INVALID_OPTION', message: expect.stringContaining('expected 0 to 1, received 2') },
      networks: disagreement('lstm.weight_ih_l0 float32 (32, 4)', 'lstm.weight_ih_l0 float32 (36, 4)'),
    })
    expect(two[1].refused).toEqual(two[0].refused)
  })

  test('fit: the epochs and the weights of one process, and files once', () => {
    for (const { fit } of two) {
      expect(largestDifference(fit.weights, alone.fit.weights)).toBeLessThanOrEqual(1e-6)
      expect(fit.result).toMatchObject({ bestEpoch: alone.fit.result.bestEpoch, steps: alone.fit.result.steps })
      for (const [i, figures] of alone.fit.result.epochs.entries()) {
        for (const [name, value] of Object.entries(figures)) {
          expect(fit.result.epochs[i]![name]).toBeCloseTo(value, 5)
        }
      }
    }
    expect(readdirSync(join(folder, 'whole-2'))).toEqual(readdirSync(join(folder, 'whole-1')))
  })

  test('fit: a stop that one process asks for stops all, and the training goes on to the same weights', () => {
    for (const { stopped, resumed } of [alone, ...two]) {
      expect(stopped.code).toBe('CANCELLED')
      expect(resumed).toBe(true)
    }
  })
})

test(
  'a process that dies ends the others with a clear error',
  async () => {
    const { code, output } = await inTwo('lost.mjs')
    const line = output.split('\n').find((text) => text.startsWith('[0] '))!
    const { seconds, ...error } = JSON.parse(line.slice(4)) as { code: string; message: string; seconds: number }
    expect(error).toEqual({
      code: 'PROCESS_LOST',
      message: expect.stringMatching(/^another process has ended (while|at) .*\(.*127\.0\.0\.1/),
    })
    expect(seconds).toBeLessThan(30)
    expect(output).toContain('eegtorch launch: process 1 was ended by SIGKILL')
    expect(code).toBe(137)
  },
  PATIENCE_MS,
)

test(
  'what process 0 does by itself after the trainings, nobody waits for',
  async () => {
    const { code, output } = await inTwo('late-work.mjs', folder)
    expect([code, output]).toEqual([0, expect.stringMatching(/^\[0\] /)])
    expect(JSON.parse(output.slice(4))).toEqual({ baselines: 1, controls: 4 })
  },
  PATIENCE_MS,
)

describe('eegtorch launch', () => {
  const main = join(packageRoot, 'dist', 'cli', 'main.js')
  const eegtorch = (...words: string[]): Promise<ChildResult> =>
    runNode([main, ...words], { env: { NODE_OPTIONS: '' }, timeout: PATIENCE_MS })

  test(
    'trains with the command line: one folder, one score',
    async () => {
      const data = join(folder, 'eegmmidb')
      const out = join(folder, 'run')
      await writeSimulatedFiles(data)
      const training = ['train', 'eegnet', '--data', data, '--task', 'fists-feet', '--window', '0.5..1.5', '--out', out]
      const brief = ['--no-baselines', '--epochs', '1', '--batch-size', '4', '--json']
      const { code, stdout, stderr } = await eegtorch('launch', '--nproc', '2', ...training, ...brief)
      expect([code, stderr]).toEqual([0, ''])
      expect(JSON.parse(stdout.replace(/^\[0\] /, ''))).toMatchObject({ folder: out, accuracy: { n: 24 } })
      const log = readFileSync(join(out, 'log.jsonl'), 'utf8').trim().split('\n')
      expect(log).toHaveLength(6)
      expect(existsSync(join(out, 'report.html'))).toBe(true)
      const alone = await eegtorch('train', '--resume', out, '--json')
      expect(alone.code).toBe(1)
      expect(JSON.parse(alone.stdout).error.message).toMatch(/a run with other settings.*received another processes$/)
      const again = await eegtorch('launch', '--nproc', '2', 'train', '--resume', out, '--no-baselines', '--json')
      expect([again.code, again.stderr]).toEqual([0, ''])
    },
    PATIENCE_MS,
  )

  test('of the commands of eegtorch it runs train alone, and says so', async () => {
    const { code, stderr } = await eegtorch('launch', '--nproc', '2', 'finetune-text', '--corpus', 'texts.txt')
    expect([code, stderr]).toEqual([
      1,
      'EegTorchError [INVALID_OPTION]: eegtorch finetune-text does not share its work among processes: ' +
        'expected train, or a program (one of the same name by its path), received finetune-text\n',
    ])
    expect((await eegtorch('launch', '--help')).stdout).toMatch(/train and what follows it, or any program/)
  })

  test('runs any program, and gives its exit code', async () => {
    const program = 'console.log(process.env.RANK); process.exitCode = 5'
    const { code, stdout } = await eegtorch('launch', '--nproc', '2', '--', process.execPath, '-e', program)
    expect(code).toBe(5)
    expect(stdout.trim().split('\n').sort()).toEqual(['[0] 0', '[1] 1'])
  })
})
