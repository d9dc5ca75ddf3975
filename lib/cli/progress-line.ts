import type { WriteStream } from 'node:tty'
import type { SetupProgress } from '../setup/install.ts'

const VERBS: Record<SetupProgress['step'], string> = {
  wait: 'waiting for another set-up',
  download: 'downloading',
  verify: 'checking',
  unpack: 'unpacking',
}

/** How often a line is printed where it cannot be overwritten: in a log or a pipe. */
const LOG_INTERVAL_MS = 5_000
const BAR_WIDTH = 20

/** Shows set-up's progress: one line that changes on a terminal, a line per step and every few seconds elsewhere. */
export function showProgress(stream: WriteStream | undefined): {
  update: (progress: SetupProgress) => void
  end: () => void
} {
  const started = Date.now()
  let last = ''
  let lastAt = 0
  const update = (progress: SetupProgress) => {
    if (stream === undefined) return
    const step = `${progress.step} ${progress.what}`
    const isDue = Date.now() - lastAt > (stream.isTTY ? 100 : LOG_INTERVAL_MS)
    if (step === last && !isDue) return
    last = step
    lastAt = Date.now()
    const line = format(progress, (Date.now() - started) / 1000)
    stream.write(stream.isTTY ? `\r\x1b[K${line.slice(0, stream.columns - 1)}` : `${line}\n`)
  }
  const end = () => {
    if (stream?.isTTY && last !== '') stream.write('\r\x1b[K')
    last = ''
  }
  return { update, end }
}

function format({ step, what, done, total }: SetupProgress, seconds: number): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0)
  const label = `${VERBS[step]} ${what}`
  if (step === 'wait' || (done === 0 && step === 'verify')) return label
  if (total === 0) return `${label}  ${megabytes(done)} MB  ${seconds.toFixed(0)} s`
  const filled = Math.round((done / total) * BAR_WIDTH)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
  return `${label}  ${bar}  ${megabytes(done)} of ${megabytes(total)} MB  ${seconds.toFixed(0)} s`
}
