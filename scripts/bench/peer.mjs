import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { StepError } from '../steps.mjs'

/** A worker process that runs one action on command, and waits in between. */
export class Peer {
  times = []
  peak

  constructor(label, command, args, env = {}) {
    this.label = label
    this.child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, OMP_NUM_THREADS: '2', ...env },
    })
    // a worker that died answers through its closed output
    this.child.on('error', () => {})
    this.child.stdin.on('error', () => {})
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
  }

  /** Its first line: versions. */
  ready() {
    return this.#answer()
  }

  async run(action) {
    this.child.stdin.write(`${JSON.stringify({ action })}\n`)
    return this.#answer()
  }

  async #answer() {
    const { value, done } = await this.lines.next()
    if (done) throw new StepError(`${this.label} ended during the benchmark; its message is above`)
    return JSON.parse(value)
  }

  close() {
    this.child.stdin.end()
    this.child.kill()
  }
}

/** Runs one action on all peers in turn, each turn starting with another one, and returns a series for each. */
export async function interleave(peers, action, { warmup, repeats }) {
  const series = peers.map(({ label }) => ({ label, times: [], peak: 0 }))
  for (let turn = -warmup; turn < repeats; turn++)
    for (let i = 0; i < peers.length; i++) {
      const which = (i + turn + warmup) % peers.length
      const { ms, peak } = await peers[which].run(action)
      if (turn >= 0) series[which].times.push(ms)
      series[which].peak = peak
    }
  return series
}
