import { manualSeed, models, noGrad, ones, randn } from 'eegtorch'
import { builtEntry, runNode } from '../built.ts'

/** Matrices whose rows end with blocks, and some that only the plain path takes. */
const shapes = [
  { inFeatures: 64, outFeatures: 5 },
  { inFeatures: 192, outFeatures: 33, doubleQuant: false },
  { inFeatures: 512, outFeatures: 130, bias: true },
  { inFeatures: 256, outFeatures: 66, blocksize: 128 },
  { inFeatures: 96, outFeatures: 40 },
  { inFeatures: 70, outFeatures: 31, blocksize: 6 },
]
/** Around the sizes at which the product changes its way. */
const batches = [1, 2, 3, 5, 8, 9, 40]

/** The tensors of a checkpoint in four bits as bytes, and how far the products are from those of the dense weights in float64. */
const program = `const { manualSeed, models, noGrad, randn, setNumThreads } = await import(${JSON.stringify(builtEntry)})
  await setNumThreads(1)
  manualSeed(5)
  const hex = (tensor) => Buffer.from(tensor.toTypedArray().buffer.slice(0)).toString('hex')
  const results = ${JSON.stringify(shapes)}.map((options) => {
    const net = models.nf4Linear(options).eval()
    const [dense] = net.call('dequantise')
    const far = ${JSON.stringify(batches)}.map((batch) => noGrad(() => {
      const x = randn([batch, options.inFeatures])
      const out = net.run({ x })
      const exact = x.to('float64').matmul(dense.to('float64').t())
      return out.output.to('float64').sub(exact).abs().max().div(exact.abs().max()).item()
    }))
    const kept = { ...net.stateDict(), dense }
    return { far, kept: Object.entries(kept).map(([name, tensor]) => [name, hex(tensor)]) }
  })
  console.log(JSON.stringify(results))`

interface Outcome {
  far: number[]
  kept: [name: string, bytes: string][]
}

async function run(env: Record<string, string>): Promise<Outcome[]> {
  const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], { env })
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Outcome[]
}

test('four bits are the same whatever the instructions, and so are their products, but for rounding', async () => {
  const sets = ['baseline', 'avx2', 'avx512']
  const capable = sets.map((set) => run({ EEGTORCH_CPU_CAPABILITY: set }))
  const [plain, ...fast] = await Promise.all([run({ EEGTORCH_PLAIN: '1' }), ...capable])
  for (const [s, outcomes] of fast.entries())
    for (const [i, { far, kept }] of outcomes.entries()) {
      const differing = kept.filter(([, bytes], j) => bytes !== plain![i]!.kept[j]![1]).map(([name]) => name)
      expect([sets[s], shapes[i], differing]).toEqual([sets[s], shapes[i], []])
      expect(Math.max(...far)).toBeLessThan(2e-6)
    }
})

test('a large linear layer gives without gradients, by another library, what it gives with them', () => {
  manualSeed(1)
  const sizes = {
    hiddenSize: 512,
    intermediateSize: 640,
    numHiddenLayers: 1,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
  }
  const net = models.llama({ ...sizes, vocabSize: 600, attentionBias: true, mlpBias: true }).eval()
  for (const bias of Object.values(net.parameters()).filter(({ shape }) => shape.length === 1))
    noGrad(() => bias.add_(randn(bias.shape).mul(0.1)))
  for (const [texts, words] of [
    [1, 7],
    [1, 8],
    [3, 11],
  ] as const) {
    const ids = ones([texts, words], { dtype: 'int64' })
    const inputs = {
      ...{ prefixEmbeds: randn([texts, 2, 512]), inputIds: ids, labels: ids },
      attentionMask: ones([texts, words + 2], { dtype: 'int64' }),
    }
    const kept = net.run(inputs).logits
    const fast = noGrad(() => net.run(inputs).logits)
    const far = fast.sub(kept).abs().max().item() as number
    expect(far / (kept.abs().max().item() as number)).toBeLessThan(5e-6)
  }
})
