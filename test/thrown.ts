import type { EegTorchError } from 'eegtorch'

/** What a function throws. A function that throws nothing fails the test. */
export function errorOf(run: () => unknown): EegTorchError {
  try {
    run()
  } catch (error) {
    return error as EegTorchError
  }
  throw new Error('nothing was thrown')
}
