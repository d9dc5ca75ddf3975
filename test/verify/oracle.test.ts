import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asyncSignal, models, signal } from 'eegtorch'
import { LossOperator } from '../../lib/training/loss-operator.ts'
import { languageCases } from '../../lib/verify/language-cases.ts'
import { METRIC, metricOperations } from '../../lib/verify/metric-cases.ts'
import { findParityCases, readParityCase } from '../../lib/verify/parity-case.ts'
import { findScheduler, schedulerNames } from '../../lib/verify/scheduler-cases.ts'
import { SIGNAL, signalOperations } from '../../lib/verify/signal-cases.ts'
import { verifyCase } from '../../lib/verify/verify-case.ts'

const oracle = join(dirname(fileURLToPath(import.meta.url)), '..', 'oracle')
const cases = join(oracle, 'cases')
const folders = await findParityCases([cases])

/** The registry's name of what the oracle calls otherwise. */
const networkOf = (model: string) => languageCases[model]?.network ?? model

test.each(folders.map((folder) => [relative(cases, folder), folder]))(
  '%s agrees with its reference',
  async (_, folder) => {
    const result = await verifyCase(folder)
    expect(result.error).toBeUndefined()
    expect(result.tensors.filter(({ passed }) => !passed)).toEqual([])
    const differentiable = result.tensors.some(({ name }) => /^grad(_input)?\./.test(name))
    const isMerged = readParityCase(folder).config.merged === true // adapters in the weights, which are frozen
    const learns = ![SIGNAL, METRIC].includes(result.model!) && findScheduler(result.model!) === undefined && !isMerged
    expect([result.model, differentiable]).toEqual([result.model, learns])
  },
)

test('every registered model has a case in eval and one in train mode', () => {
  const modes = folders.map((folder) => readParityCase(folder)).map(({ model, mode }) => `${networkOf(model)} ${mode}`)
  for (const { name } of models.list()) expect(modes).toEqual(expect.arrayContaining([`${name} eval`, `${name} train`]))
})

test('every loss has a case', () => {
  const names = folders.map((folder) => readParityCase(folder).model)
  expect(LossOperator.names().length).toBeGreaterThan(5)
  expect(names).toEqual(expect.arrayContaining(LossOperator.names()))
})

test('every operation on signals has a case', () => {
  const cases = folders.map((folder) => readParityCase(folder)).filter(({ model }) => model === SIGNAL)
  expect(signalOperations.length).toBeGreaterThan(1)
  expect(cases.map(({ config }) => config.op)).toEqual(expect.arrayContaining([...signalOperations]))
})

/**
 * Pictures of torchStft; the two halves of euclideanAlignment; the range that keepQuiet compares; csp after its covariances; the inverse of
 * tangentSpace; the distances that mdm is held to pyRiemann by. Each has a test beside those of its kind.
 */
const WITHOUT_CASE: readonly string[] = [
  ...['stftImages', 'euclideanReference', 'alignTo', 'peakToPeak', 'cspOfCovariances', 'fromTangentSpace'],
  'riemannDistances',
]

test('every function on signals is called by a case', async () => {
  const called = new Set<string>()
  const names = new Set<string>()
  const restored: (() => void)[] = []
  for (const functions of [signal, asyncSignal] as unknown as Record<string, (...given: unknown[]) => unknown>[]) {
    for (const [name, original] of Object.entries(functions)) {
      if (name === 'until') continue
      names.add(name)
      functions[name] = (...given) => {
        called.add(name)
        return original(...given)
      }
      restored.push(() => {
        functions[name] = original
      })
    }
  }
  const own = folders.filter((folder) => readParityCase(folder).model === SIGNAL)
  for (const folder of own) await verifyCase(folder)
  for (const restore of restored) restore()
  expect([...names].filter((name) => !called.has(name))).toEqual(WITHOUT_CASE)
})

test('every measure of pictures has a case', () => {
  const cases = folders.map((folder) => readParityCase(folder)).filter(({ model }) => model === METRIC)
  expect(metricOperations.length).toBeGreaterThan(4)
  expect(cases.map(({ config }) => config.op)).toEqual(expect.arrayContaining([...metricOperations]))
})

test('every scheduler has a case', () => {
  const names = folders.map((folder) => readParityCase(folder).model)
  expect(schedulerNames.length).toBe(8)
  expect(names).toEqual(expect.arrayContaining([...schedulerNames]))
})

test('a case carries every option of its model or loss, and none that there is not', () => {
  const known = new Map<string, readonly string[]>([
    [METRIC, ['op', 'args', 'count', 'size']],
    [SIGNAL, ['op', 'args', 'channels', 'times', 'trials']],
    ...models.list().map(({ name, options }) => [name, options.map((o) => o.referenceName)] as const),
    ...LossOperator.names().map((name) => [name, LossOperator.find(name)!.options] as const),
  ])
  for (const folder of folders) {
    const { model: named, config } = readParityCase(folder)
    const model = networkOf(named)
    if (findScheduler(model) !== undefined) continue // has the options of diffusers' class, more than are read
    const options = known.get(model) ?? []
    // Configs of diffusers and transformers leave out, or order otherwise, what only training or files need.
    const isOurs = existsSync(join(oracle, 'models', 'eeg', `${named}.py`))
    const given = Object.keys(config)
    expect([model, isOurs ? given : given.filter((option) => !options.includes(option))]).toEqual([
      model,
      isOurs ? options : [],
    ])
  }
})

test('the cases are those that committed.json lists, and small', () => {
  const listed = JSON.parse(readFileSync(join(oracle, 'committed.json'), 'utf8')) as Record<string, unknown>[]
  const described = folders.map((folder) => readParityCase(folder))
  expect(described).toHaveLength(listed.length)
  for (const { config, ...rest } of listed) expect(described).toContainEqual(expect.objectContaining(rest))
  expect(sizeOf(cases)).toBeLessThan(20e6)
})

function sizeOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}
