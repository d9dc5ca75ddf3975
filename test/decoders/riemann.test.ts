import { LogisticRegression, mdm, readSafetensors, type Tensor, tangentSpaceLr } from 'eegtorch'
import { PresentClasses } from '../../lib/decoders/present-classes.ts'
import { rowsOf } from '../../lib/decoders/rows.ts'

let expected: Map<string, Tensor>
beforeAll(async () => {
  expected = await readSafetensors('test/fixtures/signal/covariance.safetensors').loadAll()
})

test.each([
  ['three', 3, 1],
  ['two', 2, 1],
  ['three_strong', 3, 0.01],
] as const)('logistic regression (%s) is that of scikit-learn', async (name, classes, c) => {
  const labels = labelsOf(0, 24).filter((label) => label < classes)
  const rows = labelsOf(0, 24).flatMap((label, row) => (label < classes ? [row] : []))
  const all = of('tangent').toArray() as number[][]
  const features = { values: Float64Array.from(rows.flatMap((row) => all[row]!)), width: 15 }
  const model = await LogisticRegression.fit(features, labels, classes, { c })
  close(numbers(model.coefficients), of(`logistic.${name}.coefficients`))
  close(numbers(model.intercepts), of(`logistic.${name}.intercepts`))
  const { probabilities } = model.predict(rowsOf(of('tangent').narrow(0, 24, 12)))
  close(probabilities.flat(), of(`logistic.${name}.probabilities`))
})

test('the tangent space decoder answers as pyRiemann and scikit-learn do', async () => {
  const decoder = tangentSpaceLr({ band: null })
  const fitted = await decoder.fit(covariances(0, 24), labelsOf(0, 24), 3)
  const { probabilities } = await fitted.predict(covariances(24, 12))
  close(probabilities.flat(), of('logistic.three.probabilities'), 1e-6)
})

test('the nearest mean answers as pyRiemann does', async () => {
  const fitted = await mdm({ band: null }).fit(covariances(0, 24), labelsOf(0, 24), 3)
  const { probabilities, predicted } = await fitted.predict(covariances(24, 12))
  close(probabilities.flat(), of('mdm.riemann'), 1e-6)
  expect(Array.from(predicted)).toEqual(probabilities.map((row) => row.indexOf(Math.max(...row))))
})

test.each([tangentSpaceLr({ band: null }), mdm({ band: null })])(
  '$name never answers a class it has not seen',
  async (decoder) => {
    const shifted = labelsOf(0, 24).map((label) => [0, 2, 4][label]!)
    const fitted = await decoder.fit(covariances(0, 24), shifted, 5)
    const { probabilities } = await fitted.predict(covariances(24, 12))
    for (const row of probabilities) expect([row[1], row[3]]).toEqual([0, 0])
    expect(probabilities[0]!.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
  },
)

test('what cannot be trained on is refused', async () => {
  expect(() => new PresentClasses([1, 1], 3)).toThrow('needs two classes')
  expect(() => new PresentClasses([0, 3], 3)).toThrow('received 3')
  const rows = { values: Float64Array.from([1, Number.NaN]), width: 1 }
  await expect(LogisticRegression.fit(rows, [0, 1], 2)).rejects.toThrow('finite numbers')
  const model = await LogisticRegression.fit({ values: Float64Array.from([1, 2, 3, 4]), width: 1 }, [0, 1, 0, 1], 2)
  expect(() => model.predict({ values: Float64Array.from([1, 2]), width: 2 })).toThrow('expected 1 a row, received 2')
})

test('features that tell classes apart without error have a finite answer', async () => {
  const features = { values: Float64Array.from([-1000, -1001, 1000, 1001]), width: 1 }
  const { probabilities } = (await LogisticRegression.fit(features, [0, 0, 1, 1], 2)).predict(features)
  expect(probabilities.flat().every(Number.isFinite)).toBe(true)
})

const numbers = (tensor: Tensor): number[] => Array.from(tensor.toTypedArray() as Float64Array)
const of = (name: string): Tensor => expected.get(name)!
const covariances = (from: number, count: number) => rowsOf(of('covariances.oas').narrow(0, from, count))
const labelsOf = (from: number, count: number): number[] =>
  Array.from(of('y').toTypedArray() as unknown as BigInt64Array, Number).slice(from, from + count)

function close(found: readonly number[], expectedValues: Tensor, tolerance = 1e-8): void {
  const values = expectedValues.reshape([-1]).toArray() as number[]
  const size = Math.max(...values.map(Math.abs))
  expect(found).toHaveLength(values.length)
  expect(Math.max(...found.map((value, i) => Math.abs(value - values[i]!))) / size).toBeLessThan(tolerance)
}
