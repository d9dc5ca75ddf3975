import { basename, dirname, join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { writeFilesAtomically } from '../../files/atomic.ts'
import type { Recording } from '../recording.ts'

/**
 * Writes a recording as BrainVision: `.vhdr`, `.vmrk` and `.eeg` (float32, multiplexed; microvolts for electric channels). Events are
 * markers of type Comment, or of their own type where the label is `Type/Description`; each gap-free stretch begins with a new segment.
 *
 * @throws EegTorchError `FILE_UNSUPPORTED` for channels of several rates, `INVALID_OPTION` for another ending than `.vhdr`, `FILE_WRITE_FAILED`
 */
export async function writeBrainVision(file: string, recording: Recording): Promise<void> {
  if (!/\.vhdr$/i.test(file)) {
    throw new EegTorchError('INVALID_OPTION', 'a BrainVision recording is written by the name of its header', {
      file,
      expected: 'a name ending in .vhdr',
      received: basename(file),
    })
  }
  requireOneRate(recording, file)
  const signal = await recording.ready()
  const stem = basename(file).replace(/\.vhdr$/i, '')
  const beside = (ending: string) => join(dirname(file), `${stem}${ending}`)
  // The header takes its name last: while it is missing, nobody takes the rest for a recording.
  await writeFilesAtomically([
    [file, headerOf(recording, stem)],
    [beside('.vmrk'), markersOf(recording, stem)],
    [beside('.eeg'), samplesOf(signal)],
  ])
}

function requireOneRate({ channels, samplingRate }: Recording, file: string): void {
  const other = channels.find((channel) => channel.samplingRate !== samplingRate)
  if (other === undefined) return
  throw new EegTorchError('FILE_UNSUPPORTED', 'BrainVision holds channels of one rate', {
    file,
    expected: `${samplingRate} Hz`,
    received: `${other.name} at ${other.samplingRate} Hz`,
  })
}

function samplesOf(recording: Recording): Buffer {
  const { channels, nSamples } = recording
  const out = Buffer.alloc(4 * channels.length * nSamples)
  const scales = channels.map(({ unit }) => (unit === 'V' ? 1e6 : 1))
  for (const [channel, samples] of recording.read().entries()) {
    for (let i = 0; i < nSamples; i++)
      out.writeFloatLE(samples[i]! * scales[channel]!, 4 * (i * channels.length + channel))
  }
  return out
}

function headerOf({ channels, samplingRate, nSamples }: Recording, stem: string): string {
  const rows = channels.map(
    ({ name, unit }, i) => `Ch${i + 1}=${escaped(name)},,1,${escaped(unit === 'V' ? 'µV' : unit || 'n/a')}`,
  )
  return lines([
    'Brain Vision Data Exchange Header File Version 1.0',
    '; written by eegtorch',
    '',
    '[Common Infos]',
    'Codepage=UTF-8',
    `DataFile=${stem}.eeg`,
    `MarkerFile=${stem}.vmrk`,
    'DataFormat=BINARY',
    'DataOrientation=MULTIPLEXED',
    `NumberOfChannels=${channels.length}`,
    `DataPoints=${nSamples}`,
    `SamplingInterval=${1e6 / samplingRate}`,
    '',
    '[Binary Infos]',
    'BinaryFormat=IEEE_FLOAT_32',
    '',
    '[Channel Infos]',
    ...rows,
  ])
}

function markersOf({ events, segments, samplingRate, startTime }: Recording, stem: string): string {
  const begins = segments.map(({ sample }, i) => {
    const date = i === 0 && startTime !== undefined ? startTime.toISOString().replaceAll(/\D/g, '').padEnd(20, '0') : ''
    return { sample, text: `New Segment,,${sample + 1},1,0,${date}` }
  })
  const marks = events
    .filter(({ sample }) => sample >= 0)
    .map(({ sample, duration, label }) => {
      const slash = label.indexOf('/')
      const [type, text] = slash > 0 ? [label.slice(0, slash), label.slice(slash + 1)] : ['Comment', label]
      return {
        sample,
        text: `${escaped(type)},${escaped(text)},${sample + 1},${Math.round(duration * samplingRate)},0`,
      }
    })
  const all = [...begins, ...marks].sort((a, b) => a.sample - b.sample)
  return lines([
    'Brain Vision Data Exchange Marker File, Version 1.0',
    '',
    '[Common Infos]',
    'Codepage=UTF-8',
    `DataFile=${stem}.eeg`,
    '',
    '[Marker Infos]',
    ...all.map(({ text }, i) => `Mk${i + 1}=${text}`),
  ])
}

/** Commas separate fields; a line break would end the entry. */
const escaped = (text: string) => text.replaceAll(',', '\\1').replaceAll(/[\r\n]+/g, ' ')
const lines = (all: readonly string[]) => `${all.join('\r\n')}\r\n`
