import { EegTorchError } from '../errors.ts'
import type { FilterSection } from './butterworth.ts'

/**
 * A notch as one second-order section, equal to SciPy's `iirnotch(frequency, quality, samplingRate)`.
 *
 * @param frequency hertz that is taken away
 * @param quality the frequency over the width of the notch at -3 dB
 * @throws EegTorchError `INVALID_OPTION` for a frequency that is not between 0 and half the sampling rate, a quality that is not above 0
 */
export function notchSection(frequency: number, quality: number, samplingRate: number): FilterSection {
  if (!(frequency > 0 && frequency < samplingRate / 2)) {
    throw new EegTorchError('INVALID_OPTION', 'a notch needs another frequency', {
      option: 'frequency',
      expected: `between 0 and ${samplingRate / 2} Hz (half of the sampling rate)`,
      received: `${frequency}`,
    })
  }
  if (!(quality > 0 && Number.isFinite(quality))) {
    throw new EegTorchError('INVALID_OPTION', 'a notch needs another quality', {
      option: 'quality',
      expected: 'a number above 0',
      received: `${quality}`,
    })
  }
  const angle = (2 * Math.PI * frequency) / samplingRate
  const slope = Math.tan(angle / quality / 2)
  const gain = 1 / (1 + slope)
  const middle = -2 * gain * Math.cos(angle)
  return [gain, middle, gain, 1, middle, 2 * gain - 1]
}
