import { completeConfig, finetuneTextSchema } from '../../lib/cli/finetune-text-config.ts'
import { checkConfig, checkOptions } from '../../lib/cli/train-config.ts'
import { errorOf } from '../thrown.ts'

const complete = (classNames: string[], more: object = {}) =>
  completeConfig(finetuneTextSchema.parse({ data: 'd', encoder: 'e', language: 'l', ...more }), classNames)

test('the classes tell the vocabulary, and this the phases of the document', () => {
  expect(complete(['dog', 'cup'])).toMatchObject({ vocabulary: 'visual-imagery', epochs: 10, warmupEpochs: 3 })
  expect(complete(['left_hand', 'feet'])).toMatchObject({ vocabulary: 'motor-imagery', epochs: 20, warmupEpochs: 5 })
  expect(complete(['dog', 'cup'], { epochs: 2 })).toMatchObject({ epochs: 2, warmupEpochs: 2 })
  const said = { vocabulary: 'motor-imagery', epochs: 7, warmupEpochs: 0 }
  expect(complete(['dog'], said)).toMatchObject(said)
})

test('a batch has as many parts as trials at most', () => {
  expect([complete(['dog']).accumulate, complete(['dog'], { batchSize: 4 }).accumulate]).toEqual([8, 4])
  const written = { data: 'd', encoder: 'e', language: 'l', batchSize: 4, accumulate: 8 }
  const refused = errorOf(() => checkOptions(finetuneTextSchema, written, { flags: { accumulate: 8 } }))
  expect([refused.option, refused.message]).toEqual([
    '--accumulate',
    expect.stringMatching(/expected 4 at most.*received 8/),
  ])
  expect(errorOf(() => checkConfig({ model: 'eegnet', data: 'd', accumulate: 17 })).option).toBe('accumulate')
  expect(checkConfig({ model: 'eegnet', data: 'd', accumulate: 16 }).accumulate).toBe(16)
})

test('a warm-up longer than the training and classes that nobody knows are refused', () => {
  expect(errorOf(() => complete(['dog'], { epochs: 4, warmupEpochs: 5 })).message).toMatch(
    /expected 4 at most, .*received 5/,
  )
  expect(errorOf(() => complete(['face', 'house'])).message).toMatch(/no vocabulary knows all of these classes/)
})
