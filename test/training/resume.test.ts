import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Random, readJsonLines } from 'eegtorch'
import { builtEntry } from '../built.ts'

const child = fileURLToPath(new URL('./children/cross-validation.mjs', import.meta.url))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eegtorch-resume-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the training in a folder; kills it with SIGKILL once it has said so many lines, at no particular moment of a step. */
function train(run: string, killAfter = Number.POSITIVE_INFINITY): Promise<{ finished: boolean; errors: string }> {
  return new Promise((resolve) => {
    const training = spawn(process.execPath, [child, builtEntry, join(folder, run)])
    let [said, errors] = ['', '']
    training.stderr.on('data', (text) => {
      errors += text
    })
    training.stdout.on('data', (text) => {
      said += text
      if (said.split('\n').length > killAfter) training.kill('SIGKILL')
    })
    training.on('close', () => resolve({ finished: said.endsWith('finished\n'), errors }))
  })
}

/** Weights files by name, as bytes. */
function weights(run: string): Map<string, string> {
  const root = join(folder, run, 'checkpoints')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.safetensors'))
  return new Map(files.sort().map((name) => [name, readFileSync(join(root, name)).toString('base64')]))
}

test('a run killed again and again ends with the bytes and the log of one that was not', async () => {
  const whole = await train('whole')
  expect(whole).toEqual({ finished: true, errors: '' })
  const steps = new Random(20261122)
  let kills = 0
  for (let finished = false; !finished; kills++) {
    // In the end it is let through; otherwise a kill early in each life could repeat for ever.
    const killAfter = kills < 6 ? 2 + steps.below(12) : undefined
    const life = await train('killed', killAfter)
    expect(life.errors).toBe('')
    finished = life.finished
  }
  expect(kills).toBeGreaterThan(3)
  expect([...weights('killed').keys()]).toEqual([...weights('whole').keys()])
  expect(weights('killed')).toEqual(weights('whole'))
  expect(readJsonLines(join(folder, 'killed', 'log.jsonl'))).toEqual(readJsonLines(join(folder, 'whole', 'log.jsonl')))
})
