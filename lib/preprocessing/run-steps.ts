import { concatenateWindows } from '../datasets/concatenate.ts'
import { loadWindows } from '../datasets/window-pieces.ts'
import type { EegWindows } from '../datasets/windows.ts'
import { EegTorchError } from '../errors.ts'
import type { Recording } from '../recordings/recording.ts'
import type { SignalBlock } from './block.ts'
import { changeRecording } from './run-recording.ts'
import { learns, type Step, workOf } from './schema.ts'
import type { LearnedState, TrialOptions } from './step.ts'
import { type CutWindows, fromEegWindows, toEegWindows } from './step-windows.ts'

/** Windows that are held in double precision at a time. */
const CHUNK = 256

/**
 * Runs steps over one recording; none of them may learn from training windows.
 *
 * @throws EegTorchError of the steps, with the name of the recording: in a batch of many it would not be known
 */
export async function runSteps(
  recording: Recording,
  steps: readonly Step[],
  trials: TrialOptions,
): Promise<Recording | CutWindows> {
  try {
    return await runEach(recording, steps, trials)
  } catch (error) {
    if (!(error instanceof EegTorchError) || error.file !== undefined) throw error
    throw error.message.includes(recording.name) ? error : error.about(recording.name)
  }
}

async function runEach(
  recording: Recording,
  steps: readonly Step[],
  trials: TrialOptions,
): Promise<Recording | CutWindows> {
  let signal = recording
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!
    const { cut, recording: change } = workOf(step)
    if (cut) return runOnWindows(await cut(signal, step.options, trials), steps.slice(i + 1))
    if (change) {
      signal = await change(signal, step.options)
      continue
    }
    // Steps in a row are run stretch by stretch, so that what lies between them is never there as a whole.
    const end = steps.findIndex((other, k) => k > i && (workOf(other).recording || workOf(other).cut))
    const row = steps.slice(i, end < 0 ? undefined : end)
    signal = await changeRecording(signal, (block) => runOnBlock(block, row))
    i += row.length - 1
  }
  return signal
}

async function runOnBlock(block: SignalBlock, steps: readonly Step[]): Promise<SignalBlock> {
  let out = block
  for (const step of steps) out = await workOf(step).block!(out, step.options)
  return out
}

/** Runs steps over windows; `learned` holds what those that learn have learned. */
export async function runOnWindows(
  windows: CutWindows,
  steps: readonly Step[],
  learned: ReadonlyMap<Step, LearnedState> = new Map<Step, LearnedState>(),
): Promise<CutWindows> {
  let out = windows
  for (const step of steps) {
    const { learn, windows: change, block } = workOf(step)
    if (learns(step)) out = await learn!.apply(out, step.options, learned.get(step)!)
    else if (change) out = await change(out, step.options)
    else out = { ...out, block: await block!(out.block, step.options) }
  }
  return out
}

/** Runs steps over finished windows. Those that treat each window by itself do so piece by piece, to need little memory. */
export async function runOnEegWindows(
  windows: EegWindows,
  steps: readonly Step[],
  learned: ReadonlyMap<Step, LearnedState>,
  hash: string,
): Promise<EegWindows> {
  let out = windows
  for (const step of steps) {
    const lazily = out.source !== undefined && learns(step) ? workOf(step).learn!.lazily : undefined
    if (lazily !== undefined) {
      out = lazily(out, step.options, learned.get(step)!)
      continue
    }
    const chunks = workOf(step).together?.(step.options) ? [out] : chunksOf(out)
    const done: EegWindows[] = []
    for (const piece of chunks)
      done.push(toEegWindows(await runOnWindows(fromEegWindows(await loadWindows(piece)), [step], learned), hash))
    out = done.length === 1 ? done[0]! : joinPieces(done, out.skipped)
  }
  return out.pipeline === hash ? out : out.with({ pipeline: hash })
}

function chunksOf(windows: EegWindows): EegWindows[] {
  if (windows.length <= CHUNK) return [windows]
  return Array.from({ length: Math.ceil(windows.length / CHUNK) }, (_, i) =>
    windows.subset(Array.from({ length: Math.min(CHUNK, windows.length - i * CHUNK) }, (_, k) => i * CHUNK + k)),
  )
}

/**
 * Pieces of the same windows, one after the other.
 *
 * @param before events without a window, before the step; each piece counts on from there
 */
function joinPieces(pieces: readonly EegWindows[], before: number): EegWindows {
  return concatenateWindows(pieces, { skipped: pieces.reduce((sum, { skipped }) => sum + skipped - before, before) })
}
