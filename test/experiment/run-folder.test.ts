import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunFolder, readJsonLines, TrainingCheckpoints, writeSafetensors, zeros } from 'eegtorch'
import { readSavedState } from '../../lib/training/checkpoints.ts'
import { errorOf, rejectionOf } from '../thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'eegtorch-run-folder-'))
afterAll(() => rmSync(folder, { recursive: true }))

const place = { fold: 0, seed: 3, index: 0 }
const answer = { subject: 'S1', trial: 'R1 trial 1', fold: 0, seed: 3, truth: 1, predicted: 0 }
const outcome = {
  curve: { fold: 0, seed: 3, epochs: [{ epoch: 1, trainLoss: 0.5, validationLoss: Number.NaN }], bestEpoch: 1 },
  predictions: [{ ...answer, probabilities: [0.75, 0.25] }],
}

test('a training whose outcome was deleted is logged anew, and the others stay in the log', async () => {
  const path = join(folder, 'deleted')
  const places = [0, 1, 2].map((fold) => ({ fold, seed: 3, index: fold }))
  const figures = { epoch: 1, trainLoss: 0.5, trainAccuracy: 1 }
  const go = async () => {
    const run = await RunFolder.create(path)
    const trained: number[] = []
    for (const place of places) {
      if ((await run.readOutcome(place)) !== undefined) continue
      trained.push(place.fold)
      run.logEpoch(place, figures)
      await run.writeOutcome(place, outcome)
    }
    run.close()
    return trained
  }
  const logged = () => readJsonLines(join(path, 'log.jsonl')).map(({ event, fold }) => `${event} ${fold}`)
  expect(await go()).toEqual([0, 1, 2])
  const whole = logged()
  expect(whole).toEqual(['epoch 1', 'test 1', 'epoch 2', 'test 2', 'epoch 3', 'test 3'])
  rmSync(join(path, 'outcomes', 'fold-1-seed-3.json'))
  expect(await go()).toEqual([0])
  expect(logged()).toEqual(['epoch 2', 'test 2', 'epoch 3', 'test 3', 'epoch 1', 'test 1'])
  expect(await go()).toEqual([])
  expect(logged()).toHaveLength(6)
})

describe('files of a run are not believed', () => {
  const file = join(folder, 'outcomes', 'fold-1-seed-3.json')

  test('an outcome comes back as it was, a loss that is no number too; one that was cut is one clear error', async () => {
    const run = await RunFolder.create(folder)
    await run.readOutcome(place)
    await run.writeOutcome(place, outcome)
    run.close()
    expect(await run.readOutcome(place)).toEqual(outcome)
    const whole = readFileSync(file, 'utf8')
    for (const text of [whole.slice(0, 40), '', '{}', '[]', whole.replace('"truth":1', '"truth":"left"')]) {
      writeFileSync(file, text)
      expect(await rejectionOf(run.readOutcome(place))).toMatchObject({ code: 'FILE_INVALID', file })
    }
  })

  test('openings: half a line at the end counts for nothing, another line that is none is named', async () => {
    const run = await RunFolder.create(folder)
    const opening = { fold: 0, by: 'eegnet', seed: 3 }
    run.recordOpening(opening)
    run.close()
    const openings = join(folder, 'openings.jsonl')
    appendFileSync(openings, '{"fold": 1, "b')
    expect(run.readOpenings()).toEqual([opening])
    for (const line of ['{"by": "eegnet"}', 'no JSON']) {
      writeFileSync(openings, `${JSON.stringify(opening)}\n${line}\n${JSON.stringify(opening)}\n`)
      const { code, message } = errorOf(() => run.readOpenings())
      expect([code, message]).toEqual(['FILE_INVALID', expect.stringMatching(/openings\.jsonl.*line 2\b/)])
    }
  })

  test.each(['{"progress":', '{}', '{"progress": {"epoch": "two"}, "threads": 1, "logRecords": 0}'])(
    'a state that is none: %s',
    async (eegtorch_state) => {
      const file = join(folder, 'state.safetensors')
      await writeSafetensors(file, new Map([['model.x', zeros([1])]]), { eegtorch_state })
      const { code, message } = errorOf(() => readSavedState(folder))
      expect([code, message]).toEqual(['FILE_INVALID', expect.stringContaining(file)])
      expect(await rejectionOf(new TrainingCheckpoints(folder).restore({} as never))).toMatchObject({ code })
    },
  )
})
