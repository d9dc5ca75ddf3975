import { type ChildProcess, fork } from 'node:child_process'
import { EegTorchError } from '../errors.ts'

/** What a worker process answers: once that it is ready, then once for each job. */
export type WorkerReply = { ready: true } | { done: unknown } | { failed: string }

/** How to run jobs in processes of their own. */
export interface WorkerPoolOptions<Job> {
  /** The worker's program; it speaks {@link WorkerReply} over Node's channel. */
  script: URL
  /** Processes at a time. */
  size: number
  /** Sent once to each worker, before its first job. */
  greeting: unknown
  /** Ends all workers; jobs under way are lost. */
  signal?: AbortSignal
  onDone(job: Job, reply: unknown): void | Promise<void>
  /** A job that threw, or whose worker died; the others go on. */
  onFailed(job: Job, reason: string): void
}

/** How much of what a worker printed is kept, to say why it died. */
const KEPT_OUTPUT = 2000

/**
 * Runs jobs in worker processes, as many at a time as there are workers. A worker that dies fails the job it was at, and another takes its place. When it
 * returns or throws, every worker has ended.
 *
 * @throws EegTorchError `INTERNAL` where no worker can be started; and what `onDone` and `onFailed` throw, which ends all workers
 */
export async function runInWorkers<Job>(jobs: readonly Job[], options: WorkerPoolOptions<Job>): Promise<void> {
  const waiting = [...jobs]
  const broken = new AbortController()
  const signal = AbortSignal.any([broken.signal, ...(options.signal === undefined ? [] : [options.signal])])
  let startFailure: string | undefined
  const serve = async () => {
    let worker: Worker | undefined
    try {
      while (waiting.length > 0 && !signal.aborted) {
        worker ??= await Worker.start({ ...options, signal })
        const job = waiting.shift()
        if (job === undefined) break
        const reply = await worker.ask({ job })
        if ('done' in reply) await options.onDone(job, reply.done)
        else if (!signal.aborted) options.onFailed(job, reasonOf(reply))
        if ('ended' in reply) worker = undefined
      }
    } catch (error) {
      if (error instanceof WorkerStartError) startFailure = error.message
      else broken.abort(error)
    } finally {
      await worker?.stop()
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.size, jobs.length) }, serve))
  if (broken.signal.aborted) throw broken.signal.reason
  if (startFailure !== undefined && waiting.length > 0 && !signal.aborted) {
    throw new EegTorchError('INTERNAL', `no worker process can be started: ${startFailure}`)
  }
}

class WorkerStartError extends Error {}

type Answer = WorkerReply | { ended: string }

function reasonOf(answer: Answer): string {
  if ('failed' in answer) return answer.failed
  return 'ended' in answer ? answer.ended : 'its worker process answers out of turn'
}

/** One worker process, asked one thing at a time. */
class Worker {
  readonly #process: ChildProcess
  #output = ''
  #ended: string | undefined
  readonly #closed: Promise<void>
  #answer: ((reply: Answer) => void) | undefined

  private constructor(script: URL) {
    this.#process = fork(script, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      serialization: 'advanced',
    })
    this.#process.stderr!.on('data', (text) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT)
    })
    this.#process.on('message', (reply) => this.#reply(reply as WorkerReply))
    this.#process.on('error', (error) => this.#end(error.message))
    this.#closed = new Promise((closed) => {
      this.#process.once('close', closed)
      this.#process.once('error', () => closed())
    })
    // After `close`, unlike after `exit`, all that it printed has arrived.
    this.#process.on('close', (code, signal) => this.#end(signal === null ? `exit code ${code}` : `signal ${signal}`))
  }

  static async start({ script, greeting, signal }: WorkerPoolOptions<never>): Promise<Worker> {
    const worker = new Worker(script)
    const stop = () => void worker.stop()
    signal?.addEventListener('abort', stop)
    worker.#process.once('close', () => signal?.removeEventListener('abort', stop))
    const reply = await worker.ask({ greeting })
    if ('ready' in reply) return worker
    await worker.stop()
    throw new WorkerStartError(reasonOf(reply))
  }

  ask(message: object): Promise<Answer> {
    return new Promise((answer) => {
      this.#answer = answer
      if (this.#ended !== undefined) this.#reply({ ended: this.#ended })
      // The callback swallows what `close` reports as well.
      else this.#process.send(message, () => undefined)
    })
  }

  /** Ends it at once, and waits until it has ended. */
  stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    return this.#closed
  }

  #reply(reply: Answer): void {
    this.#answer?.(reply)
    this.#answer = undefined
  }

  #end(how: string): void {
    const said = this.#output.trim().split('\n').at(-1)
    this.#ended ??= `its worker process ended with ${how}${said ? ` (${said})` : ''}`
    this.#reply({ ended: this.#ended })
  }
}

/** A worker's side: answers the greeting, then jobs one by one, and ends with the process that started it. */
export function serveJobs<Greeting, Job, Reply>(
  prepare: (greeting: Greeting) => Promise<(job: Job) => Promise<Reply>>,
): void {
  let work: ((job: Job) => Promise<Reply>) | undefined
  const reply = (message: WorkerReply) => process.send?.(message)
  process.on('disconnect', () => process.exit(0))
  // A terminal's Ctrl-C reaches every process; when to end is the parent's decision.
  process.on('SIGINT', () => undefined)
  process.on('message', async (message: { greeting: Greeting } | { job: Job }) => {
    try {
      if ('job' in message) return void reply({ done: await work!(message.job) })
      work = await prepare(message.greeting)
      reply({ ready: true })
    } catch (error) {
      reply({ failed: (error as Error).message })
    }
  })
}
