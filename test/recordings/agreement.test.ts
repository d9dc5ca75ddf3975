import { readRecording } from 'eegtorch'
import { describeWithShared, sharedPath } from '../shared.ts'
import { casesOf, expectAgreement, fixturePath } from './agree.ts'

// The reader is found by the content of the file alone: nothing here names it.
const FORMATS = ['bdf', 'brainvision', 'gdf', 'eeglab', 'numpy', 'fif']

describe.each(FORMATS)('%s files give what other readers give', (format) => {
  const { own, shared } = casesOf(format)
  test.each(Object.keys(own))('%s', async (name) => {
    expectAgreement(await readRecording(fixturePath(name), own[name]!.options), own[name]!)
  })
  describeWithShared('real files', () => {
    test.each(Object.keys(shared))('%s', async (name) => {
      expectAgreement(await readRecording(sharedPath('eeg', name), shared[name]!.options), shared[name]!)
    })
  })
})
