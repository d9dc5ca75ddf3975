import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { models, openCheckpoint, tensor, writeSafetensors } from 'eegtorch'
import { asRegistered } from '../../lib/models/published.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const root = mkdtempSync(join(tmpdir(), 'eegtorch-published-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0
async function folderOf(config: object, tensors = {}): Promise<string> {
  const folder = join(root, `folder-${count++}`)
  mkdirSync(folder)
  await writeSafetensors(join(folder, 'model.safetensors'), tensors)
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  return folder
}

const small = { hiddenSize: 16, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 24, encoderHiddenSize: 12 }
const qformer = () => models.qformer(small)
const described = (more: object = {}) => ({
  ...qformer().referenceConfig,
  architectures: ['Blip2QFormerModel'],
  model_type: 'blip_2_qformer',
  torch_dtype: 'float32',
  initializer_range: 0.02,
  ...more,
})

test('a folder of transformers is loaded by its class, without the fields that do not concern the network', async () => {
  using net = qformer()
  using back = await models.load(await folderOf(described(), net.stateDict()))
  expect([back.name, back.config]).toEqual(['qformer', net.config])
  for (const [name, own] of Object.entries(back.stateDict()))
    expect([name, own.equal(net.stateDict()[name]!)]).toEqual([name, true])
})

test('a field that nobody knows is refused, and one that is off is not', async () => {
  using net = qformer()
  const folder = await folderOf(described({ use_new_gates: true }), net.stateDict())
  expect(await rejectionOf(models.load(folder))).toMatchObject({
    code: 'INVALID_OPTION',
    option: 'use_new_gates',
    file: folder,
  })
  using back = await models.load(await folderOf(described({ use_new_gates: false, gates: null }), net.stateDict()))
  expect(back.name).toBe('qformer')
})

test('a config of another network than the one that is wanted, or of none here, is refused', async () => {
  const folder = await folderOf(described(), qformer().stateDict())
  expect(await rejectionOf(models.load(folder, { model: 'eegnet' }))).toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    message: expect.stringMatching(/expected eegnet, received Blip2QFormerModel, which is qformer/),
  })
  const other = await folderOf({ _class_name: 'SD3Transformer2DModel' }, { a: tensor([1]) })
  expect((await rejectionOf(models.load(other))).message).toMatch(/SD3Transformer2DModel, which is not registered/)
})

test('a class of several networks asks which, and takes its own tensors and its own part of the config', async () => {
  const tensors = Object.fromEntries(
    ['text_model.a', 'text_model.embeddings.position_ids', 'vision_model.b', 'text_projection.weight'].map((name) => [
      name,
      tensor([1]),
    ]),
  )
  const config = { architectures: ['CLIPModel'], projection_dim: 6, text_config: {}, vision_config: {} }
  const checkpoint = openCheckpoint(await folderOf(config, tensors))
  expect(errorOf(() => asRegistered(checkpoint))).toMatchObject({
    code: 'INVALID_OPTION',
    option: 'model',
    expected: 'clip_text_with_projection or clip_vision',
  })
  expect(errorOf(() => asRegistered(checkpoint, 'llama')).code).toBe('CHECKPOINT_MISMATCH')
})

test('a config that asks for more than the file has is refused before memory is taken', async () => {
  const folder = await folderOf(described({ hidden_size: 2 ** 20, intermediate_size: 2 ** 20 }), qformer().stateDict())
  expect(await rejectionOf(models.load(folder))).toMatchObject({ code: 'CHECKPOINT_MISMATCH', file: folder })
})
