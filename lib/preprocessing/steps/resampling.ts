import { z } from 'zod'
import { EegTorchError } from '../../errors.ts'
import { asyncSignal } from '../../signal/index.ts'
import { onTensor } from '../on-tensor.ts'
import { defineStep } from '../step.ts'

const rate = z.number().positive()
const LARGEST = 100_000

export const resample = defineStep({
  what:
    'Another sampling rate. `mne` is `Raw.resample` (Fourier, turned about the ends), `mne-polyphase` the same with method polyphase; `fft` and ' +
    '`polyphase` are scipy.signal.resample and resample_poly.',
  schema: z.strictObject({
    rate,
    manner: z.enum(['mne', 'mne-polyphase', 'fft', 'polyphase']).default('mne'),
  }),
  short: rate.transform((value) => ({ rate: value })),
  block: async (block, { rate: to, manner }) => {
    const from = block.samplingRate
    const out = await onTensor(block, (x) => {
      if (manner === 'fft') return asyncSignal.resample(x, Math.max(1, Math.round((block.samples * to) / from)))
      if (manner === 'polyphase') return asyncSignal.resamplePoly(x, ...ratioOf(to, from))
      if (manner === 'mne') return asyncSignal.mneResample(x, to, from, { npad: 'auto' })
      return asyncSignal.mneResample(x, to, from, { method: 'polyphase' })
    })
    const channels = block.channels.map((channel) => ({ ...channel, samplingRate: to }))
    return { ...out, samplingRate: to, channels }
  },
})

/** Two rates as a ratio of whole numbers. */
function ratioOf(to: number, from: number): [up: number, down: number] {
  for (let down = 1; down <= LARGEST; down++) {
    const up = Math.round((down * to) / from)
    if (up >= 1 && Math.abs(up / down - to / from) < 1e-12 * (to / from)) return [up, down]
  }
  throw new EegTorchError('INVALID_OPTION', 'the rates have no ratio of small whole numbers', {
    option: 'rate',
    expected: `a rate for polyphase resampling from ${from} Hz`,
    received: `${to} Hz`,
  })
}
