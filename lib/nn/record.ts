import { EegTorchError } from '../errors.ts'
import { scope } from '../memory.ts'
import { native } from '../native.ts'
import { Tensor } from '../tensor.ts'
import { nativeRecording, type RecordingId } from './native-recording.ts'

/** What a recorded function may give back. */
export type RecordedResult = Tensor | readonly Tensor[]

/** A function that was recorded: call it like the original. */
export interface Recorded<A extends readonly Tensor[], R extends RecordedResult> extends Disposable {
  (...inputs: A): R
  /** The same on the compute thread. The first call with inputs of a kind records, and so runs on this one. */
  async(...inputs: A): Promise<R>
  /** How many kinds of inputs were recorded. */
  readonly recordings: number
  /** Forgets all recordings: after what the function closes over has changed. */
  clear(): void
}

/** How a function is replayed. */
export interface RecordOptions {
  /**
   * On a GPU: after a replay on a thread, which makes libraries ready there, the operators are captured as a CUDA graph, with that of their gradients, and
   * launched whole. Closed-over tensors must stay where they are, a gradient must be taken before the next run, and has none itself. Default false.
   */
  cudaGraph?: boolean
}

/** The outputs of a run that was noted, and its number. */
interface Noted<R> {
  recording: RecordingId
  result: R
}

const collected = new FinalizationRegistry<Map<string, RecordingId>>(forgetAll)

/**
 * Notes the operators that a function of tensors calls, and from its second call on replays them natively in one crossing, gradients
 * included. The function runs again, and is recorded again, for inputs of another shape, layout, dtype or device, and with gradients on
 * or off. Random operators draw new numbers in each replay.
 *
 * Whatever else the function looks at is part of the recording: tensors that it closes over are read anew in each replay, numbers and
 * branches stay as they were. It must not read values (`item`, `toArray`) of what depends on its inputs, and not wait for promises.
 *
 * @throws EegTorchError `INVALID_OPTION` for such a function; with `cudaGraph`, for inputs that are not on one GPU and operators that wait for it
 */
export function record<A extends readonly Tensor[], R extends RecordedResult>(
  body: (...inputs: A) => R,
  { cudaGraph = false }: RecordOptions = {},
): Recorded<A, R> {
  const known = new Map<string, RecordingId>()
  const recorded = (...inputs: A): R => {
    const kind = describeInputs(inputs)
    const found = known.get(kind)
    if (found !== undefined) return shapeLike(lists.get(found)!, nativeRecording.replay(found, idsOf(inputs)))
    const { recording, result } = note(inputs, () => body(...inputs), cudaGraph)
    known.set(kind, recording)
    return result
  }
  const more = {
    async async(...inputs: A): Promise<R> {
      const found = known.get(describeInputs(inputs))
      if (found === undefined) return recorded(...inputs)
      return shapeLike<R>(lists.get(found)!, await nativeRecording.replayAsync(found, idsOf(inputs)))
    },
    clear: () => forgetAll(known),
    [Symbol.dispose]: () => forgetAll(known),
  }
  const result = Object.defineProperty(Object.assign(recorded, more), 'recordings', { get: () => known.size })
  collected.register(result, known)
  return result as Recorded<A, R>
}

/** Whether a recording gives a list of tensors, and not one. */
const lists = new Map<RecordingId, boolean>()

/** @internal Runs a body once while its operators are noted. */
export function note<R extends RecordedResult>(inputs: readonly Tensor[], body: () => R, cudaGraph = false): Noted<R> {
  nativeRecording.startRecording(idsOf(inputs), cudaGraph)
  try {
    const result = scope(body)
    const outputs = result instanceof Tensor ? [result] : result
    if (!Array.isArray(outputs) || !outputs.every((output) => output instanceof Tensor)) {
      throw new EegTorchError('INVALID_OPTION', 'a recorded function must give a tensor or an array of tensors', {
        received: typeof result,
      })
    }
    const recording = nativeRecording.finishRecording(idsOf(outputs), cudaGraph)
    lists.set(recording, !(result instanceof Tensor))
    return { recording, result }
  } catch (error) {
    nativeRecording.finishRecording(null)
    throw error
  }
}

/** @internal */
export function forget(recording: RecordingId): void {
  lists.delete(recording)
  nativeRecording.removeObject(recording)
}

function forgetAll(known: Map<string, RecordingId>): void {
  for (const recording of known.values()) forget(recording)
  known.clear()
}

function describeInputs(inputs: readonly Tensor[]): string {
  const kinds = inputs.map((input) => {
    if (!(input instanceof Tensor)) {
      throw new EegTorchError('INVALID_OPTION', 'a recorded function takes tensors', { received: typeof input })
    }
    return `${input.dtype} ${input.device} ${input.shape} ${input.strides}`
  })
  return `${native.gradEnabled()} ${kinds.join('; ')}`
}

function idsOf(tensors: readonly Tensor[]): number[] {
  return tensors.map(({ id }) => id)
}

function shapeLike<R extends RecordedResult>(isList: boolean, ids: number[]): R {
  const tensors = ids.map((id) => new Tensor(id))
  return (isList ? tensors : tensors[0]!) as R
}
