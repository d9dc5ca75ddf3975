import { createHash } from 'node:crypto'
import { type EegWindows, leaveOneOut, Pipeline, simulateMotorImagery } from 'eegtorch'
import { prepareFold } from '../../lib/experiment/prepare-fold.ts'

const pipelineOf = (mode: string) => {
  const options = mode === 'calibration' ? '{ mode: calibration, calibration: 4 }' : `{ mode: ${mode} }`
  return Pipeline.parse(`steps: [{ windows: { from: 0.5, to: 1.5 } }, { euclideanAlignment: ${options} }]`)
}

async function windowsOf(pipeline: Pipeline): Promise<EegWindows> {
  return pipeline.prepared.windows(simulateMotorImagery({ subjects: 1, runs: 3, trials: 6, seed: 5 }))
}

/** In words, as listing the difference of so many samples takes minutes. */
function samplesOf(windows: EegWindows, indices: readonly number[]): string {
  const { data } = windows.subset(indices)
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex')
}

test.each(['training', 'calibration', 'running', 'offline'])(
  'alignment in mode %s lets no test window shape a training window, though all are of one session',
  async (mode) => {
    const pipeline = pipelineOf(mode)
    const windows = await windowsOf(pipeline)
    const split = leaveOneOut(windows, 'run')[1]!
    const all = await prepareFold(windows, split, { pipeline })
    const loud = windows.with({ data: louderAt(windows, split.test) })
    const other = await prepareFold(loud, split, { pipeline })
    expect(samplesOf(other.windows, other.split.train)).toEqual(samplesOf(all.windows, all.split.train))
    expect(samplesOf(other.windows, other.split.test)).not.toEqual(samplesOf(all.windows, all.split.test))
    const labelsOf = (set: EegWindows, indices: readonly number[]) => indices.map((index) => set.origins[index])
    expect(labelsOf(all.windows, all.split.test)).toEqual(labelsOf(windows, split.test))
    expect(labelsOf(all.windows, all.split.train)).toEqual(labelsOf(windows, split.train))
  },
)

/** The samples with those of some windows changed, channel by channel. */
function louderAt(windows: EegWindows, indices: readonly number[]): Float32Array {
  const data = Float32Array.from(windows.data)
  const size = windows.channelNames.length * windows.nSamples
  for (const index of indices) {
    for (let i = 0; i < size; i++) data[index * size + i]! *= 1 + (i % 7)
  }
  return data
}
