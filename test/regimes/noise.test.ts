import { addNoise, zeros } from 'eegtorch'
import { posteriorNoise } from '../../lib/regimes/noise.ts'

// The device of shapes without numbers is on every machine.
const elsewhere = () => zeros([4, 3, 20], { dtype: 'float64', device: 'meta' })

test.each([true, false])('noise of a posterior is where the windows are, in training (%s) or not', (training) => {
  const drawn = posteriorNoise(elsewhere(), 6, training)
  expect([drawn.device, drawn.dtype, drawn.shape]).toEqual(['meta', 'float64', [4, 6]])
})

test('noise is added where the windows are', () => {
  const noisy = addNoise(elsewhere(), { snr: 0 })
  expect([noisy.device, noisy.dtype, noisy.shape]).toEqual(['meta', 'float64', [4, 3, 20]])
})
