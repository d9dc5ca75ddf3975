import { EegTorchError } from '../errors.ts'

/** Runs what writes to a temporary name; what cannot be written is said of the name that the caller knows. */
export async function namingTarget(target: string, temporary: string, body: () => Promise<void>): Promise<void> {
  try {
    await body()
  } catch (error) {
    if (!(error instanceof EegTorchError) || !error.message.includes(temporary)) throw error
    const message = error.message.replaceAll(temporary, target)
    throw new EegTorchError(error.code, message, { file: target, cause: error })
  }
}
