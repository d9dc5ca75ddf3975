import { EegTorchError } from './errors.ts'
import { native } from './native.ts'

/**
 * Ties asynchronous native work to an AbortSignal. Work that waits is dropped; work that runs stops at its next
 * piece, if it has pieces. Both reject with `CANCELLED`.
 *
 * @param start begins the work with a cancellation's id, or undefined where there is no signal
 */
export async function cancellable<T>(
  signal: AbortSignal | undefined,
  start: (cancellation: number | undefined) => Promise<T>,
): Promise<T> {
  if (signal === undefined) return start(undefined)
  if (signal.aborted) throw new EegTorchError('CANCELLED', 'the work was cancelled')
  const cancellation = native.makeCancellation()
  const cancel = () => native.cancel(cancellation)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await start(cancellation)
  } finally {
    signal.removeEventListener('abort', cancel)
    native.removeObject(cancellation)
  }
}
