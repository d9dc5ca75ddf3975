import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { formatClock, formatProgress, ProgressBar, type ProgressStream } from '../../lib/progress/progress-bar.ts'

const totals = { folds: 6, seeds: 5, epochs: 60 }
const state = { fold: 3, seed: 2, epoch: 41, loss: 0.2134, validation: 0.931 }
const pace = { secondsPerEpoch: 1.94, secondsLeft: 72 }

function recorder(isTTY: boolean, columns = 120): ProgressStream & { text: string } {
  const stream = {
    isTTY,
    columns,
    text: '',
    write(text: string) {
      stream.text += text
    },
  }
  return stream
}

describe('the line', () => {
  test('says fold, seed, epoch, loss, validation, speed and time left', () => {
    expect(formatProgress(state, totals, pace, 120)).toBe(
      'fold 3/6  seed 2/5  epoch 41/60  █████████████▋        loss 0.213  val 0.93  1.9 s/epoch  eta 1:12',
    )
  })

  test('leaves out what there is one of', () => {
    expect(formatProgress({ epoch: 1, fold: 1, seed: 1 }, { epochs: 2, folds: 1, seeds: 1 }, {}, 80)).toBe(
      'epoch 1/2  ██████████          ',
    )
  })

  test('shrinks the bar, then drops it, then the end', () => {
    expect(formatProgress(state, totals, pace, 90)).toContain('  █████▌    loss')
    expect(formatProgress(state, totals, pace, 75)).toBe(
      'fold 3/6  seed 2/5  epoch 41/60  loss 0.213  val 0.93  1.9 s/epoch  eta 1:12'.slice(0, 66),
    )
    expect(formatProgress(state, totals, pace, 10)).toBe('fold 3/6  ')
  })

  test('never exceeds the width', () => {
    const numbers = fc.record({
      fold: fc.nat(),
      seed: fc.nat(),
      epoch: fc.nat(),
      loss: fc.double(),
      validation: fc.double(),
    })
    fc.assert(
      fc.property(numbers, fc.integer({ min: 0, max: 200 }), fc.double({ min: 0 }), (any, width, seconds) => {
        const line = formatProgress(any, totals, { secondsPerEpoch: seconds, secondsLeft: seconds }, width)
        expect(line.length).toBeLessThanOrEqual(width)
      }),
    )
  })

  test('clock', () => {
    expect([0, 9.6, 72, 3600, 7272.4].map(formatClock)).toEqual(['0:00', '0:10', '1:12', '1:00:00', '2:01:12'])
  })
})

describe('the bar', () => {
  test('keeps one live line on a terminal and removes it at the end', () => {
    const stream = recorder(true)
    let now = 0
    const bar = new ProgressBar({ epochs: 4 }, { stream, now: () => now })
    bar.update({ epoch: 0, loss: 1 })
    now = 2000
    bar.update({ epoch: 1, loss: 0.5 })
    bar.print('a word')
    bar.close()
    expect(stream.text.split('\r')).toEqual([
      '',
      `epoch 0/4  ${' '.repeat(20)}  loss 1.000\u001b[K`,
      `epoch 1/4  ${'█'.repeat(5)}${' '.repeat(15)}  loss 0.500  2.0 s/epoch  eta 0:06\u001b[K`,
      `\u001b[Ka word\nepoch 1/4  ${'█'.repeat(5)}${' '.repeat(15)}  loss 0.500  2.0 s/epoch  eta 0:06`,
      '\u001b[K',
    ])
  })

  test('writes few lines to a file, and always the last epoch of a training', () => {
    const stream = recorder(false)
    let now = 0
    const bar = new ProgressBar({ epochs: 100 }, { stream, now: () => now })
    for (let epoch = 1; epoch <= 100; epoch++) {
      bar.update({ epoch })
      now += 1000
    }
    bar.close()
    const lines = stream.text.trimEnd().split('\n')
    expect(lines).toHaveLength(8)
    expect(lines.at(-1)).toContain('epoch 100/100')
    expect(stream.text).not.toContain('\r')
    expect(stream.text).not.toContain('\u001b')
  })

  test('the time left counts the trainings to come, and an early stop does not upset it', () => {
    const stream = recorder(false)
    let now = 0
    const bar = new ProgressBar({ folds: 2, epochs: 10 }, { stream, now: () => now })
    for (const [fold, epoch] of [
      [1, 0],
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
    ] as const) {
      bar.update({ fold, epoch })
      now += 20_000
    }
    bar.close()
    const left = stream.text.match(/20 s\/epoch {2}eta (\S+)/g)
    expect(left).toEqual(['6:20', '6:00', '3:00', '2:40'].map((t) => `20 s/epoch  eta ${t}`))
  })

  test('a stream that throws or breaks later ends the showing, not the run', async () => {
    const broken = Object.assign(new EventEmitter(), {
      isTTY: true,
      write() {
        setImmediate(() => broken.emit('error', new Error('EPIPE')))
        throw new Error('EPIPE')
      },
    })
    const bar = new ProgressBar({ epochs: 3 }, { stream: broken })
    bar.update({ epoch: 1 })
    bar.update({ epoch: 3 })
    bar.close()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(broken.listenerCount('error')).toBe(0)
  })
})
