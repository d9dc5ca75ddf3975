import { readRecording } from 'eegtorch'
import { describeWithShared, sharedPath } from '../shared.ts'
import { casesOf, expectAgreement, fixturePath } from './agree.ts'

// The reader is found by the content of the file alone: nothing here names it.
const FORMATS = [
  'edf',
  'bdf',
  'brainvision',
  'gdf',
  'eeglab',
  'mat73',
  'numpy',
  'fif',
  'csv',
  'xdf',
  'wfdb',
  'bids',
  'odd',
]

describe.each(FORMATS)('%s files give what other readers give', (format) => {
  const { own, shared } = casesOf(format)
  for (const name of Object.keys(own)) {
    test(name, async () => expectAgreement(await readRecording(fixturePath(name), own[name]!.options), own[name]!))
  }
  if (Object.keys(shared).length === 0) return
  describeWithShared('real files', () => {
    test.each(Object.keys(shared))('%s', async (name) => {
      expectAgreement(await readRecording(sharedPath('eeg', name), shared[name]!.options), shared[name]!)
    })
  })
})
