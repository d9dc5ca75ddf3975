import { EegWindows } from 'eegtorch'

export interface Row {
  subject?: string | undefined
  session?: string | undefined
  run?: string | undefined
  file?: string
  trial: number
  start: number
  label?: number
}

/** Windows of one channel with different samples each, unless `samples` says otherwise. */
export function makeWindows(
  rows: readonly Row[],
  {
    nSamples = 30,
    step,
    samples = (i) => i,
  }: { nSamples?: number; step?: number; samples?: (row: number) => number } = {},
): EegWindows {
  const names = rows.map(({ subject, session, run, file }) => file ?? [subject, session, run].join('-'))
  const unique = [...new Set(names)]
  return new EegWindows({
    data: Float32Array.from({ length: rows.length * nSamples }, (_, i) => {
      const row = Math.floor(i / nSamples)
      return samples(row) * nSamples + (i % nSamples)
    }),
    origins: rows.map(({ trial, start, label = 0 }, i) => ({
      recording: unique.indexOf(names[i]!),
      trial,
      start,
      onset: start / 10,
      label,
    })),
    recordings: unique.map((name) => {
      const { subject, session, run } = rows[names.indexOf(name)]!
      return { name, identity: `/data/${name}`, subject, session, run }
    }),
    classNames: ['a', 'b', 'c'],
    channelNames: ['Cz'],
    nSamples,
    ...(step === undefined ? {} : { step }),
    samplingRate: 10,
  })
}
