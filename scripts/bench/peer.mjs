import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { StepError } from '../steps.mjs'
import { host } from './host.mjs'
import { median } from './table.mjs'

/** Milliseconds after which threads have gone to sleep: those of OpenBLAS look for more work for 2 ** 26 cycles after a product. */
const settled = 200

/** A worker process that runs actions on command, and waits in between. */
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

  async run(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`)
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

/**
 * Runs one command on all peers in turn, each turn starting with another one, and returns a series for each: `times` has the median of
 * every turn, `all` every time.
 */
export async function interleave(peers, command, { warmup, repeats }) {
  const series = peers.map(({ label }) => ({ label, times: [], all: [], peak: 0 }))
  const takeTurn = (turn) => inTurn(peers, turn, (peer) => peer.run(command))
  for (let turn = 0; turn < warmup; turn++) await takeTurn(turn)
  for (let turn = warmup; turn < warmup + repeats; turn++) {
    const answers = await host.undisturbed(() => takeTurn(turn))
    answers.forEach(({ times, peak }, which) => {
      series[which].peak = peak
      series[which].times.push(median(times))
      series[which].all.push(...times)
    })
  }
  return series
}

/** The answers of all peers, asked one after another, when the one before has come to rest; each turn begins with another one. */
export async function inTurn(peers, turn, ask) {
  const answers = []
  for (let i = 0; i < peers.length; i++) {
    const which = (i + turn) % peers.length
    await setTimeout(settled)
    answers[which] = await ask(peers[which])
  }
  return answers
}
