import { drawBar, LiveLine, type ProgressStream } from '../progress/live-line.ts'
import type { SetupProgress } from '../setup/install.ts'

const VERBS: Record<SetupProgress['step'], string> = {
  wait: 'waiting for another set-up',
  download: 'downloading',
  verify: 'checking',
  unpack: 'unpacking',
}

/** Milliseconds between lines in a log or a pipe. */
const LOG_INTERVAL_MS = 5_000
const BAR_WIDTH = 20

/** Shows set-up's progress: one line that changes on a terminal, a line per step and every few seconds elsewhere. */
export function showTransfer(stream: ProgressStream | undefined): {
  update: (progress: SetupProgress) => void
  end: () => void
} {
  if (stream === undefined) return { update: () => undefined, end: () => undefined }
  const started = Date.now()
  const line = new LiveLine({ stream, sparse: LOG_INTERVAL_MS })
  let last = ''
  const update = (progress: SetupProgress) => {
    const step = `${progress.step} ${progress.what}`
    const isNew = step !== last
    last = step
    line.show((width) => format(progress, (Date.now() - started) / 1000).slice(0, width), isNew)
  }
  return { update, end: () => line.close() }
}

let line: LiveLine | undefined

/** Shows how far a command is: one line on a terminal that is written over again and again, and nothing elsewhere. */
export function showProgress(text: string): void {
  if (!process.stderr.isTTY) return
  line ??= new LiveLine()
  line.show((width) => text.slice(0, width))
}

/** A bar for bytes, of which there are some in all. */
export function drawBytes(label: string, done: number, total: number): string {
  return `${label}  ${drawBar(done / total, BAR_WIDTH)}  ${megabytes(done)} of ${megabytes(total)} MB`
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0)

function format({ step, what, done, total }: SetupProgress, seconds: number): string {
  const label = `${VERBS[step]} ${what}`
  if (step === 'wait' || (done === 0 && step === 'verify')) return label
  if (total === 0) return `${label}  ${megabytes(done)} MB  ${seconds.toFixed(0)} s`
  return `${drawBytes(label, done, total)}  ${seconds.toFixed(0)} s`
}
