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

/** What a promise is rejected with. A promise that is kept fails the test. */
export async function rejectionOf(promise: Promise<unknown>): Promise<EegTorchError> {
  try {
    await promise
  } catch (error) {
    return error as EegTorchError
  }
  throw new Error('nothing was thrown')
}
