import { readFileSync } from 'node:fs'
import { losses, models, presets, randn, tensor } from 'eegtorch'
import { readCommandConfig } from '../../lib/cli/command-config.ts'
import { denoiseSchema } from '../../lib/cli/denoise.ts'
import { finetuneImageSchema } from '../../lib/cli/finetune-image-config.ts'
import { completeConfig, finetuneTextSchema } from '../../lib/cli/finetune-text-config.ts'
import { generateSchema } from '../../lib/cli/generate-config.ts'
import { checkConfig } from '../../lib/cli/train-config.ts'
import { trainDiffusionSchema } from '../../lib/cli/train-diffusion-config.ts'
import { amusedOptions } from '../../lib/generation/amused/amused.ts'
import { stableDiffusionOptions } from '../../lib/generation/stable-diffusion/stable-diffusion.ts'
import { Model } from '../../lib/models/model.ts'
import { type PresetTaker, presetNames, presetOptions } from '../../lib/training/presets.ts'

test.each(presetNames('train'))('%s is a configuration and makes its network', (name) => {
  const config = checkConfig({ data: 'a', preset: name, epochs: 3 })
  expect(config).toMatchObject({ ...presetOptions(name, 'train'), epochs: 3 })
  const sizes = { nChans: 3, nOutputs: 4, nTimes: 1000 }
  using net = models.create(config.model as 'eegnet', { ...sizes, ...config.modelOptions })
  expect(net.parameterCount()).toBeGreaterThan(1000)
})

const text = { data: 'd', encoder: 'e', language: 'l' }
const drawing = { data: 'd', encoder: 'e', checkpoint: 'm', diffusion: 's', projection: 'p', language: 'l' }
const { encoder: _, projection: __, language: ___, ...sgdm } = drawing
const { checkpoint: ____, ...amused } = drawing
const { projection: _____, language: ______, ...image } = drawing

test.each([
  ['eeg2image_text_bcic', 'finetune-text', finetuneTextSchema, text],
  ['eeg2image_text_vi', 'finetune-text', finetuneTextSchema, text],
  ['eeg2image_mapper', 'finetune-image', finetuneImageSchema, { data: 'd', encoder: 'e' }],
  ['cnn_aae_autoencoder', 'denoise', denoiseSchema, { data: ['a'] }],
  ['sgdm', 'train-diffusion', trainDiffusionSchema, { data: 'd', stimuli: 's' }],
  ['eeg2image_amused', 'generate', generateSchema, amused],
  ['eeg2image_stable_diffusion', 'generate', generateSchema, image],
  ['sgdm_pictures', 'generate', generateSchema, sgdm],
] as const)('%s is taken by %s, under what is said beside it', async (preset, taker: PresetTaker, schema, said) => {
  const options = presetOptions(preset, taker)
  expect(await readCommandConfig(schema, { ...said, preset }, undefined, taker)).toMatchObject({ ...options, ...said })
  const [name, value] = Object.entries(options).find(([, value]) => typeof value === 'number')!
  const other = (value as number) + 1
  expect(await readCommandConfig(schema, { ...said, preset, [name]: other }, undefined, taker)).toMatchObject({
    ...options,
    [name]: other,
  })
  const foreign = readCommandConfig(schema, { ...said, preset: 'eegnet_lstm_transformer_lstm' }, undefined, taker)
  await expect(foreign).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'preset' })
})

test('what the documents state is the default of the loops that were made for it', () => {
  const { autocast: _, ...vi } = presets.eeg2image_text_vi.options
  expect(completeConfig(finetuneTextSchema.parse(text), ['dog', 'cup'])).toMatchObject(vi)
  const { autocast: __, ...bcic } = presets.eeg2image_text_bcic.options
  expect(completeConfig(finetuneTextSchema.parse(text), ['feet', 'tongue'])).toMatchObject(bcic)
  const { mapperOptions: ________, ...table } = presets.eeg2image_mapper.options
  expect(finetuneImageSchema.parse({ data: 'd', encoder: 'e' })).toMatchObject(table)
  const { steps, guidance } = presets.eeg2image_stable_diffusion.options
  expect(stableDiffusionOptions.parse({})).toMatchObject({ steps, guidance })
  expect(amusedOptions.parse({})).toMatchObject({ steps: 12, guidance: 10 })
})

test('the networks’ own defaults are the documents’ too', () => {
  const { mapperOptions } = presets.eeg2image_mapper.options
  using net = models.eegClipMapper({ nTokens: 20, nQueries: 77, clipDim: 768 })
  expect(net.config).toMatchObject(mapperOptions)
  // the document's 10.8 million
  expect(net.parameterCount() / 1e6).toBeCloseTo(10.8, 0)
  using classifier = models.latentCnnClassifier({ nOutputs: 2 })
  expect(classifier.config).toMatchObject(presets.cnn_aae_classifier.options.classifierOptions)
  const { imageSize } = presets.cnn_aae_autoencoder.options
  using encoder = models.aaeEncoder({ inChans: 3 })
  expect(encoder.config).toMatchObject({ imageSize: [imageSize, imageSize] })
  using eeg = models.sgdmEegEncoder({ nChans: 64, nTimes: 512, ...presets.sgdm.options.encoderOptions, latentDim: 512 })
  const convolutions = 64 * 128 * 7 + 128 + 2 * 128 + 128 * 256 * 5 + 256 + 2 * 256
  const attention = 4 * (256 * 256 + 256)
  expect(eeg.parameterCount()).toBe(convolutions + attention + 256 * 128 * 1024 + 1024 + 1024 * 512 + 512)
})

test('the UNet of diffusion can be made of its preset', () => {
  const { unetOptions, latentDim } = presets.sgdm.options
  using unet = new Model('sgdm_unet', { ...unetOptions, latentDim }, undefined, false)
  expect(unet.config).toMatchObject({ ...unetOptions, baseDim: null })
})

test('the losses’ own defaults are the documents’ too', () => {
  const { lambdaCls, lambdaContrastive, lambdaCos, lambdaMse, temperature } = presets.eeg2image_mapper.options
  const outputs = { encoderHiddenStates: randn([3, 4, 6]), promptEmbeds: randn([3, 6]), classLogits: randn([3, 5]) }
  const tables = { imagePrototypes: randn([5, 6]), textHidden: randn([5, 4, 6]) }
  const inputs = { ...outputs, ...tables, labels: tensor(BigInt64Array.of(0n, 4n, 2n)) }
  const weights = { lambdaCls, lambdaContrastive, lambdaCos, lambdaMse, temperature }
  expect(losses.mapper(inputs).loss.item()).toBe(losses.mapper(inputs, weights).loss.item())
  const images = { reconstruction: randn([2, 3]), image: randn([2, 3]), fakeLogit: randn([2, 1]) }
  const { adversarialWeight } = presets.cnn_aae_autoencoder.options
  const weighted = losses.aaeAutoencoder(images, { adversarialWeight })
  expect(losses.aaeAutoencoder(images).loss.item()).toBe(weighted.loss.item())
})

test('all are listed in the documentation with their taker, and an unknown one is refused', () => {
  const page = readFileSync(new URL('../../docs/training.md', import.meta.url), 'utf8')
  const listed = Object.entries(presets).map(([name, { taker }]) => [
    name,
    page.includes(`| \`${name}\` | \`${taker}\` |`),
  ])
  expect(listed).toEqual(Object.keys(presets).map((name) => [name, true]))
  const split = checkConfig({ data: 'a', preset: 'bcic_iv_2a_networks', leaveOut: 'subject', model: 'eegnet' })
  expect([split.folds, split.modelOptions]).toEqual([undefined, {}])
  expect(() => presetOptions('bcic', 'train')).toThrow(/no preset is called bcic/)
  expect(() => presetOptions('sgdm', 'train')).toThrow(/sgdm is for train-diffusion, not for train/)
})
