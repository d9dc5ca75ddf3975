import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openCheckpoint } from 'eegtorch'
import { runNode } from '../built.ts'
import { fixture } from '../checkpoints/fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-cli-convert-'))
afterAll(() => rmSync(folder, { recursive: true }))
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const cli = (...words: string[]) => runNode([main, ...words])
const at = (name: string) => join(folder, name)

test('a braindecode folder becomes a torch file', async () => {
  const { stdout, code } = await cli('convert', fixture('reference/eegnet'), at('eegnet.pth'))
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^wrote .*eegnet\.pth: torch, eegnet, 21 tensors, \d\.\d kB\n$/),
  ])
  expect(openCheckpoint(at('eegnet.pth')).tensors.names).toHaveLength(21)
})

test('options that a plain state dict lacks come from a file', async () => {
  const source = fixture('reference/shallow_fbcsp_net-old.pth')
  writeFileSync(at('options.yaml'), 'nTimes: 160\n')
  const inspected = await cli('inspect', source, '--config', at('options.yaml'))
  expect(inspected.stdout).toMatch(/fits shallow_fbcsp_net: every name and shape, 5 under another name\n$/)
  const without = await cli('convert', source, at('shallow'))
  expect([without.code, without.stderr]).toEqual([
    1,
    expect.stringMatching(
      /CHECKPOINT_MISMATCH.*shallow_fbcsp_net: other shape final_layer\.conv_classifier\.weight.*: expected another nTimes than 1000, said in config\n$/,
    ),
  ])
  const { stdout, code } = await cli('convert', source, at('shallow'), '--config', at('options.yaml'), '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ layout: 'braindecode', model: 'shallow_fbcsp_net', renamed: 5 })
  const again = await cli('convert', source, at('shallow'), '--config', at('options.yaml'))
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/something of this name already/)])
})

test.each([
  ['nTimes: 99', /other shape final_layer.*expected another nTimes than 99, said in config\n$/],
  ['n_chans: 9', /other shape conv_spatial.*expected another nChans than 9, said in config\n$/],
])('options under which the weights do not fit are named, whatever the layout: %s', async (options, pattern) => {
  writeFileSync(at('wrong.yaml'), `${options}\n`)
  const words = ['convert', fixture('reference/eegnet'), at('wrong.pth'), '--config', at('wrong.yaml')]
  const { code, stderr } = await cli(...words)
  expect([code, stderr]).toEqual([1, expect.stringMatching(pattern)])
  expect(existsSync(at('wrong.pth'))).toBe(false)
})

test.each([
  [
    'braindecod',
    /there is no layout braindecod; did you mean braindecode\?: expected one of eegtorch, .*, single-file, received/,
  ],
  ['Single_File', /did you mean single-file\?/],
  ['hdf5', /there is no layout hdf5: expected one of eegtorch/],
])('a layout that there is not is answered with the near one and all: %s', async (to, pattern) => {
  const { code, stderr } = await cli('convert', fixture('reference/eegnet'), at('none'), '--to', to)
  expect([code, stderr]).toEqual([1, expect.stringMatching(pattern)])
})

test('a config that is none is named, and nothing is written', async () => {
  for (const text of ['- a list\n', '{ "n_times": ', '']) {
    writeFileSync(at('bad.yaml'), text)
    const { code, stderr } = await cli('convert', fixture('reference/eegnet'), at('x.pth'), '--config', at('bad.yaml'))
    expect([code, stderr]).toEqual([1, expect.stringMatching(/FILE_INVALID.*bad\.yaml/)])
  }
  expect(existsSync(at('x.pth'))).toBe(false)
})

test.each([
  [
    'deep4net-old.pth',
    /epoch 3\nstate dict under model_state_dict\n[\s\S]*named as deep4net, in other sizes \(its options: --config\):\n {2}other shape final_layer/,
  ],
  [
    'mapper_epoch17.pth',
    /val_acc 0\.1075\nstate dict under mapper\n[\s\S]*fits eeg_clip_mapper: every name and shape, \d+ under/,
  ],
  ['eegnet-constrained', /folder with config\.json, \d+ tensors[\s\S]*fits eegnet: every name and shape\n$/],
])('inspect says what %s is', async (name, said) => {
  const { stdout, code } = await cli('inspect', fixture(`reference/${name}`))
  expect([code, stdout]).toEqual([0, expect.stringMatching(said)])
})

test.each([
  [
    'CSBrain.pth',
    'nhead: 5\nbrainRegions: [4, 0, 1, 3, 0]\n',
    /torch\.save \(zip\), 95 tensors[\s\S]*fits csbrain: every name and shape\n$/,
  ],
  ['cbramod.pth', 'nhead: 2\n', /torch\.save \(zip\), 35 tensors[\s\S]*fits cbramod: every name and shape\n$/],
])('inspect says that %s fits with the options that its tensors do not tell', async (name, options, said) => {
  writeFileSync(at(`${name}.yaml`), options)
  const { stdout, code } = await cli('inspect', fixture(`reference/${name}`), '--config', at(`${name}.yaml`))
  expect([code, stdout]).toEqual([0, expect.stringMatching(said)])
})

test('a folder of Stable Diffusion becomes a single file, and what that cannot tell is said', async () => {
  const source = fileURLToPath(new URL('../oracle/pipelines/sd15', import.meta.url))
  const { stdout, code } = await cli('convert', source, at('sd15.safetensors'), '--dtype', 'float16')
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(
      /^wrote .*sd15\.safetensors: stable-diffusion-1, unet of \d+ tensors, vae of .*\nreaders have to be told .*"unet":\{/,
    ),
  ])
  const { tensors } = openCheckpoint(at('sd15.safetensors'))
  expect(tensors.tensors.get('model.diffusion_model.input_blocks.0.0.weight')!.dtype).toBe('float16')
})
