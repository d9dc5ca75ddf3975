import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { importBuilt, main, root } from './steps.mjs'

// node scripts/flip-bits.mjs [COUNT] [FORMAT...]: flips COUNT bits, one at a time, in the recordings of each format that the tests have (default
// 10,000), half of them in the first kilobyte. A damaged file must read or give one EegTorchError; anything else is printed and counted.

const FIXTURES = join(root, 'test', 'fixtures', 'recordings')
const OPTIONS = { samplingRate: 100, unit: 'uV' }

/** Whole numbers below a limit, the same in every run. */
function sequence(seed) {
  let state = seed >>> 0
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

/** Recordings of a folder, each with the files that lie beside it. */
function recordingsIn(folder, isRecording) {
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile())
  return names
    .filter((name) => isRecording(join(folder, name)))
    .map((name) => {
      const stem = basename(name, extname(name))
      const beside = names.filter(
        (other) => other !== name && other.startsWith(stem) && !isRecording(join(folder, other)),
      )
      return { name, files: [name, ...beside] }
    })
}

async function flip(format, count, { eegtorch, isRecording }) {
  const folder = mkdtempSync(join(tmpdir(), 'eegtorch-flips-'))
  const source = join(FIXTURES, format)
  const cases = recordingsIn(source, isRecording).flatMap(({ name, files }) =>
    files.map((damaged) => ({ name, damaged })),
  )
  for (const name of readdirSync(source)) copyFileSync(join(source, name), join(folder, name))
  const result = { format, flips: 0, read: 0, refused: 0, wrong: 0, slowest: 0 }
  const below = sequence(format.length * 7919)
  for (const [i, { name, damaged }] of cases.entries()) {
    const whole = readFileSync(join(source, damaged))
    const share = Math.floor(count / cases.length) + (i < count % cases.length ? 1 : 0)
    for (let k = 0; k < share; k++) {
      const at = below(k % 2 === 0 ? Math.min(1024, whole.length) : whole.length)
      const bit = below(8)
      const bytes = Buffer.from(whole)
      bytes[at] ^= 1 << bit
      writeFileSync(join(folder, damaged), bytes)
      const outcome = await attempt(join(folder, name), eegtorch)
      result.flips++
      result[outcome.kind]++
      showProgress(result, count)
      result.slowest = Math.max(result.slowest, outcome.milliseconds)
      if (outcome.kind === 'wrong') console.log(`${damaged}, byte ${at}, bit ${bit}: ${outcome.error.stack}`)
    }
    writeFileSync(join(folder, damaged), whole)
  }
  rmSync(folder, { recursive: true })
  return result
}

let shown = performance.now()

/** A line every ten seconds. */
function showProgress({ format, flips, refused, wrong }, count) {
  if (performance.now() - shown < 10_000) return
  shown = performance.now()
  console.error(`${format}: ${flips} of ${count}, ${refused} refused, ${wrong} wrong`)
}

async function attempt(file, { readRecording, EegTorchError }) {
  const started = performance.now()
  const done = (kind, error) => ({ kind, error, milliseconds: Math.round(performance.now() - started) })
  try {
    const recording = await readRecording(file, OPTIONS)
    recording.read()
    return done('read')
  } catch (error) {
    const isClear = error instanceof EegTorchError && /^FILE_|^INVALID_OPTION$/.test(error.code)
    return done(isClear ? 'refused' : 'wrong', error)
  }
}

await main(async () => {
  const [count = '10000', ...formats] = process.argv.slice(2)
  const eegtorch = await importBuilt('index.js')
  const { isRecordingFile: isRecording } = await importBuilt('recordings/formats.js')
  const all = readdirSync(FIXTURES).filter((name) => statSync(join(FIXTURES, name)).isDirectory() && name !== 'bids')
  let wrong = 0
  for (const format of formats.length > 0 ? formats : all) {
    const result = await flip(format, Number(count), { eegtorch, isRecording })
    console.log(
      `${format}: ${result.flips} bits flipped, ${result.read} read, ${result.refused} refused, ${result.wrong} wrong, slowest ${result.slowest} ms`,
    )
    wrong += result.wrong
  }
  return wrong === 0 ? 0 : 1
})
