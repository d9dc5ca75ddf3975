import { join } from 'node:path'
import { LanguageModel, StableDiffusion, type Tensor } from 'eegtorch'
import { describeWithGpu } from '../gpu.ts'

const folder = (name: string) => join(import.meta.dirname, '..', 'oracle', 'pipelines', name)
const llama = join(import.meta.dirname, '..', 'fixtures', 'generation', 'llama-pipeline')
const prompts = ['a dog', 'a cup of coffee']

async function draw(name: string, options: Parameters<typeof StableDiffusion.load>[1]): Promise<Tensor> {
  using pipeline = await StableDiffusion.load(folder(name), options)
  return (await pipeline.generate(prompts, { steps: 3, seed: 4 }).images()).to('cpu')
}

const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() as number

describeWithGpu('on a GPU', () => {
  test.each(['sd15', 'sd21'])('%s draws what it draws on the CPU', async (name) => {
    expect(difference(await draw(name, { device: 'cuda' }), await draw(name, {}))).toBeLessThan(0.01)
  })

  test('steps that are one CUDA graph draw what steps of single kernels draw, in a second run too', async () => {
    using pipeline = await StableDiffusion.load(folder('sd15'), { device: 'cuda' })
    const drawn = (cudaGraph: boolean) => pipeline.generate(prompts, { steps: 4, seed: 4, cudaGraph }).images()
    const expected = await drawn(false)
    for (let run = 0; run < 2; run++) expect(difference(await drawn(true), expected)).toBeLessThan(1e-4)
  })

  test.each(['float16', 'bfloat16'] as const)('pictures in %s are near those in float32', async (dtype) => {
    const half = await draw('sd15', { device: 'cuda', dtype })
    expect([half.dtype, half.isfinite().all().item()]).toEqual(['float32', true])
    expect(
      half
        .sub(await draw('sd15', {}))
        .abs()
        .mean()
        .item(),
    ).toBeLessThan(0.05)
  })

  test('Llama continues texts as it does on the CPU, in four bits too', async () => {
    for (const quantize of [undefined, 'nf4'] as const) {
      const tokens = async (device: 'cpu' | 'cuda') => {
        using language = await LanguageModel.load(join(llama, 'base'), { device, quantize })
        return (await language.generate({ texts: prompts }, { maxNewTokens: 8 })).map((made) => made.tokens)
      }
      expect(await tokens('cuda')).toEqual(await tokens('cpu'))
    }
  })
})
