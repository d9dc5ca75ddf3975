import { EegTorchError } from '../../errors.ts'
import { BufferSource } from '../../recordings/binary/buffer-source.ts'
import { numbersOf, SAMPLE_BYTES } from '../../recordings/binary/sample-types.ts'
import { readMatFile } from '../../recordings/matlab/mat-file.ts'
import { itemsIn, type MatNumbers, type MatValue, numberIn } from '../../recordings/matlab/values.ts'
import { type Channel, Recording, recordingName } from '../../recordings/recording.ts'
import type { SignalSource } from '../../recordings/source.ts'
import type { GrazLayout } from './graz.ts'

type Fields = ReadonlyMap<string, MatValue>

/**
 * The runs of a session as BNCI Horizon 2020 publishes them: `data`, a cell of structures with `X` (samples, channels; microvolts), `trial` (first sample of each
 * trial, from 1), `y` (class, from 1), `fs`, `artifacts`. Runs without trials hold eye movements; how many there are differs (A04T has one, others three),
 * so that a run is known by its trials and never by its position.
 */
export function readGrazMat(
  file: string,
  whose: { subject: string; session: string },
  layout: GrazLayout,
): Recording[] {
  const items = itemsOf(file)
  // A file of true labels has the name of the session's own.
  if (items === undefined) return []
  let withTrials = 0
  let without = 0
  return items.map((fields, index) => {
    const signal = signalOf(fields, layout, file)
    const rate = numberIn(fields.get('fs')) ?? 250
    const starts = listOf(fields.get('trial'))
    const place = starts.length > 0 ? String(++withTrials) : `eyes ${++without}`
    const isSession = layout.matItems === 'sessions'
    const session = isSession ? sessionNumber(whose.session, index) : whose.session
    const run = isSession ? '1' : place
    return new Recording({
      ...{ subject: whose.subject, session, run, file, part: `item ${index + 1}` },
      name: `${recordingName(file)} ${isSession ? `session ${session}` : `run ${run}`}`,
      format: 'MATLAB (BNCI Horizon 2020)',
      channels: layout.channels.map(
        ([name, type]): Channel => ({ name, label: name, type, unit: 'V', samplingRate: rate }),
      ),
      samplingRate: rate,
      nSamples: signal.dims[0]!,
      events: eventsOf(fields, starts, rate, layout, file),
      source: new ItemSource(file, index, layout),
    })
  })
}

/** Three training sessions lie in `B01T.mat`, two evaluation sessions in `B01E.mat`. */
const sessionNumber = (letter: string, index: number) => `0${letter === 'T' ? index + 1 : index + 4}${letter}`

function itemsOf(file: string): Fields[] | undefined {
  const data = readMatFile(file).get('data')
  if (data === undefined) return undefined
  const values = data.kind === 'cells' ? data.cells : [data]
  return values.flatMap((value) => [...itemsIn(value)])
}

function signalOf(fields: Fields, { channels }: GrazLayout, file: string): MatNumbers {
  const signal = fields.get('X')
  if (signal?.kind === 'numbers' && signal.dims.length === 2 && signal.dims[1] === channels.length) return signal
  throw new EegTorchError('FILE_INVALID', 'has not the channels of the data set', {
    file,
    expected: `X of (samples, ${channels.length})`,
    received: signal === undefined ? 'no X' : `(${signal.dims.join(', ')})`,
  })
}

function eventsOf(fields: Fields, starts: readonly number[], rate: number, layout: GrazLayout, file: string) {
  const labels = listOf(fields.get('y'))
  const rejected = listOf(fields.get('artifacts'))
  const codes = Object.keys(layout.classes)
  const isClass = (label: number) => Number.isInteger(label) && label >= 1 && label <= codes.length
  if (labels.length !== starts.length || !labels.every(isClass)) {
    throw new EegTorchError('FILE_INVALID', 'has not a class for each trial', {
      file,
      expected: `${starts.length} numbers from 1 to ${codes.length}`,
      received: `${labels.length} of ${[...new Set(labels)].slice(0, 8).join(', ')}`,
    })
  }
  return starts.flatMap((start, i) => {
    const onset = (start - 1) / rate
    const code = codes[labels[i]! - 1]!
    return [
      { onset, duration: layout.trial, label: '768', meaning: 'start of trial' },
      ...(rejected[i] ? [{ onset, duration: layout.trial, label: '1023', meaning: 'rejected trial' }] : []),
      { onset: onset + layout.cue, duration: 1.25, label: code, meaning: layout.classes[code]! },
    ]
  })
}

function listOf(value: MatValue | undefined): number[] {
  return value?.kind === 'numbers' ? [...numbersOf(value.bytes, value.type, value.littleEndian)] : []
}

/** Whole files of the last use: the runs of one are read one after another, and all of them together would fill the memory. */
let last: { file: string; items: Fields[] } | undefined

/** Samples of one run, read anew from its file when they are asked for. */
class ItemSource implements SignalSource {
  constructor(
    private readonly file: string,
    private readonly index: number,
    private readonly layout: GrazLayout,
  ) {}

  read(ranges: Parameters<SignalSource['read']>[0]): Float64Array[] {
    if (last?.file !== this.file) last = { file: this.file, items: itemsOf(this.file) ?? [] }
    const { bytes, type, littleEndian, dims } = signalOf(last.items[this.index] ?? new Map(), this.layout, this.file)
    const size = SAMPLE_BYTES[type]
    const buffer = { bytes, type, littleEndian, sampleStride: size, channelStride: size * dims[0]! }
    const channels = this.layout.channels.map((_, slot) => ({ slot, gain: 1e-6 }))
    return new BufferSource(buffer, channels).read(ranges)
  }
}
