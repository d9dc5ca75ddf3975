import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  finetuneText,
  LanguageModel,
  loss,
  type Model,
  Module,
  manualSeed,
  models,
  ones,
  openCheckpoint,
  optim,
  randint,
  randn,
  type Tensor,
  type TrainStepOptions,
  textVocabularies,
} from 'eegtorch'
import { useOneThread } from '../one-thread.ts'

const base = join(import.meta.dirname, '..', 'fixtures', 'generation', 'llama-pipeline', 'base')
const sizes = {
  ...{ vocabSize: 50, hiddenSize: 64, intermediateSize: 128, numHiddenLayers: 2, numAttentionHeads: 4 },
  ...{ numKeyValueHeads: 2, maxPositionEmbeddings: 32, r: 4, loraDropout: 0 },
}
useOneThread()

/** The loss of words behind embeddings. */
class Sentences extends Module {
  readonly model: Model<'llama_lora'>

  constructor(model: Model<'llama_lora'>) {
    super()
    this.model = model
  }

  override forward(prefixEmbeds: Tensor, inputIds: Tensor): Tensor[] {
    const length = prefixEmbeds.shape[1]! + inputIds.shape[1]!
    const attentionMask = ones([prefixEmbeds.shape[0]!, length], { dtype: 'int64' })
    return [this.model.run({ prefixEmbeds, inputIds, attentionMask, labels: inputIds }).loss]
  }
}

/** Losses of some steps on six texts, and the adapter after them. */
async function train(
  config: object,
  options: Partial<TrainStepOptions> = {},
  steps = 3,
): Promise<{ losses: number[]; adapter: Float32Array[] }> {
  manualSeed(4)
  const model = models.llamaLora({ ...sizes, ...config })
  const batch = { inputs: [randn([6, 3, 64]).mul(0.1)], targets: randint(0, 50, [6, 5]) }
  const task = new Sentences(model)
  const step = task.trainStep({ loss: loss.output(), optimizer: optim.sgd({ lr: 0.5 }), ...options })
  const losses: number[] = []
  for (let i = 0; i < steps; i++) losses.push((await step(batch)).loss)
  const learned = Object.entries(model.parameters()).filter(([name]) => name.includes('lora_'))
  return { losses, adapter: learned.map(([, tensor]) => tensor.toTypedArray().slice() as Float32Array) }
}

const largestDifference = (a: Float32Array[], b: Float32Array[]) =>
  Math.max(...a.map((values, i) => Math.max(...values.map((value, j) => Math.abs(value - b[i]![j]!)))))

test.each(['dense', 'nf4'])(
  'gradients gathered from parts of a batch make the step of the whole, layers computed twice the same bits: %s',
  async (weights) => {
    const whole = await train({ weights })
    const start = await train({ weights }, {}, 0)
    expect(largestDifference(whole.adapter, start.adapter)).toBeGreaterThan(1e-3)
    const parts = await train({ weights }, { accumulate: 3 })
    expect(largestDifference(parts.adapter, whole.adapter)).toBeLessThan(1e-6)
    const twice = await train({ weights, gradientCheckpointing: true })
    expect(largestDifference(twice.adapter, whole.adapter)).toBe(0)
    expect(twice.losses).toEqual(whole.losses)
    const both = await train({ weights, gradientCheckpointing: true }, { accumulate: 3 })
    expect(largestDifference(both.adapter, parts.adapter)).toBe(0)
  },
)

test.each(['dense', 'nf4'])(
  'under autocast in bfloat16 an adapter learns what it learns in float32: %s',
  async (weights) => {
    const wide = await train({ weights }, {}, 20)
    const half = await train({ weights }, { autocast: 'bfloat16' }, 20)
    expect(half.losses).not.toEqual(wide.losses)
    for (const [i, value] of wide.losses.entries()) expect(Math.abs(half.losses[i]! / value - 1)).toBeLessThan(0.02)
    expect(half.losses.at(-1)!).toBeLessThan(0.9 * half.losses[0]!)
  },
)

test("the document's phases: five epochs of the projection, fifteen with the adapter, each kept", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'text-training-'))
  try {
    manualSeed(3)
    using language = await LanguageModel.load(base, { newAdapter: { r: 8, loraAlpha: 16, loraDropout: 0.05 } })
    const projection = models.eegProjection({ inDim: 6, outDim: language.width, nTokens: 4 })
    const adapter = () =>
      Object.entries(language.model.parameters())
        .filter(([name]) => name.includes('lora_B'))
        .map(([, tensor]) => tensor.abs().sum().item() as number)
    const trials = { tokens: randn([8, 4, 6]), labels: [0, 1, 2, 3, 0, 1, 2, 3] }
    const learned: number[] = []
    const epochs = await finetuneText(projection, language, trials, {
      vocabulary: textVocabularies['motor-imagery']!,
      folder,
      onEpoch: () => learned.push(Math.max(...adapter())),
    })
    expect(epochs.map(({ phase }) => phase)).toEqual([...Array(5).fill('warm-up'), ...Array(15).fill('joint')])
    // the adapter begins as none and is frozen while the projection learns alone
    expect(learned.slice(0, 5)).toEqual([0, 0, 0, 0, 0])
    expect(Math.min(...learned.slice(5))).toBeGreaterThan(0)
    expect(epochs.at(-1)!.figures.trainLoss!).toBeLessThan(epochs[0]!.figures.trainLoss!)
    for (let epoch = 1; epoch <= 20; epoch++) {
      const kept = openCheckpoint(join(folder, `projection_epoch${epoch}.pth`))
      expect(kept.metadata.saved).toMatchObject({ epoch })
      expect(existsSync(join(folder, `lora_epoch${epoch}`, 'adapter_model.safetensors'))).toBe(true)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
