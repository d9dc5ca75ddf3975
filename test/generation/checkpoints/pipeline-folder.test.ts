import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPipelineFolder } from 'eegtorch'
import { errorOf } from '../../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-pipeline-folder-'))
afterAll(() => rmSync(folder, { recursive: true }))
const index = (value: unknown) => writeFileSync(join(folder, 'model_index.json'), JSON.stringify(value))

test('the index names the parts that the folder has', () => {
  mkdirSync(join(folder, 'unet'))
  index({
    _class_name: 'StableDiffusionPipeline',
    _diffusers_version: '0.6.0',
    requires_safety_checker: false,
    safety_checker: [null, null],
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
  })
  const pipeline = openPipelineFolder(folder)
  expect([pipeline.className, pipeline.settings, [...pipeline.components.keys()]]).toEqual([
    'StableDiffusionPipeline',
    { requires_safety_checker: false },
    ['unet', 'vae'],
  ])
  const unet = { library: 'diffusers', className: 'UNet2DConditionModel', path: join(folder, 'unet') }
  expect(pipeline.component('unet', 'UNet2DConditionModel')).toEqual(unet)
  expect(errorOf(() => pipeline.component('vae'))).toMatchObject({ code: 'FILE_NOT_FOUND', file: join(folder, 'vae') })
  expect(errorOf(() => pipeline.component('safety_checker')).message).toMatch(/has no safety_checker.*one of unet, vae/)
  expect(errorOf(() => pipeline.component('unet', 'UVit2DModel'))).toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    received: 'UNet2DConditionModel',
  })
})

test.each([
  [{ _class_name: 'A', '../unet': ['diffusers', 'B'] }, 'FILE_UNSAFE'],
  [{ unet: ['diffusers', 'B'] }, 'FILE_INVALID'],
  [[1], 'FILE_INVALID'],
])('an index of %j is refused', (value, code) => {
  index(value)
  expect(errorOf(() => openPipelineFolder(folder)).code).toBe(code)
})

test('a folder without an index says what it lacks', () => {
  rmSync(join(folder, 'model_index.json'))
  expect(errorOf(() => openPipelineFolder(folder))).toMatchObject({
    code: 'FILE_NOT_FOUND',
    expected: 'model_index.json',
  })
})
