import { readRecording } from 'eegtorch'
import { fixturePath } from './agree.ts'

// Samples, names and events of both files are held against NumPy's in agreement.test.ts.
test('names and labels in arrays of Python objects are read, and what else they hold is left out with a warning', async () => {
  const { channels, warnings } = await readRecording(fixturePath('numpy/objects.npz'))
  expect(channels.map(({ unit }) => unit)).toEqual(['V', 'V', 'degC'])
  expect(warnings).toEqual(['Arrays of neither numbers nor texts were left out: things.'])
  expect((await readRecording(fixturePath('numpy/stored.npz'))).warnings).toEqual([])
})
