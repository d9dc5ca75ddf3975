import { existsSync } from 'node:fs'
import type { FileOptions } from '../file-options.ts'
import { mainChannel } from '../main-rate.ts'
import { metadataFromName } from '../metadata.ts'
import { readText } from '../read-text.ts'
import { Recording, type RecordingParts, recordingName } from '../recording.ts'
import { readAnnotations } from './annotations.ts'
import { parseHeader, type WfdbHeader } from './header.ts'
import { type JoinedRecord, joinSegments } from './multi-segment.ts'
import { describeChannels, openSignals } from './signals.ts'

/**
 * Opens a WFDB record by its header (`.hea`): formats 8, 16, 24, 32, 61, 80, 160, 212, 310 and 311, several samples of a signal in a frame,
 * skewed signals, several files, several segments (fixed and variable layout). Annotations of the file `.atr` beside it are the events, called by their
 * symbols (`N`, `V`, `+`); `meaning` is their note. Invalid samples, those that a skew leaves open at the end, and signals that a segment has not, are NaN; segments that were not
 * recorded are gaps.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_INVALID`, or `FILE_UNSUPPORTED` for other formats
 */
export async function readWfdb(file: string, options: FileOptions = {}): Promise<Recording> {
  const header = parseHeader(readText(file), file)
  const warnings: string[] = []
  const { layout, source, stretches } =
    header.segments === undefined
      ? asOne(header, file, options, warnings)
      : joinSegments(header, file, options, warnings)
  const channels = describeChannels(layout, file, options.unit ?? '')
  const main = mainChannel(channels)
  const { samplingRate } = channels[main]!
  const perFrame = layout.signals[main]!.samplesPerFrame
  const segments = stretches.map(({ begin, first, nFrames }) => ({
    onset: (begin - stretches[0]!.begin) / header.rate,
    sample: first * perFrame,
    nSamples: nFrames * perFrame,
  }))
  return new Recording({
    ...metadataFromName(file),
    name: recordingName(file),
    file,
    format: header.segments === undefined ? 'WFDB' : 'WFDB segments',
    channels,
    samplingRate,
    nSamples: segments.reduce((sum, { nSamples }) => sum + nSamples, 0),
    segments,
    events: eventsOf(file, header.rate, stretches[0]!.begin),
    source,
    ...(header.startTime === undefined ? {} : { startTime: header.startTime }),
    warnings,
  })
}

function asOne(header: WfdbHeader, file: string, options: FileOptions, warnings: string[]): JoinedRecord {
  const { nFrames, source } = openSignals(header, file, options, warnings)
  return { layout: header, source, stretches: [{ begin: 0, first: 0, nFrames }] }
}

/** @param begin frames before the first that was recorded */
function eventsOf(file: string, rate: number, begin: number): RecordingParts['events'] {
  const beside = file.replace(/\.hea$/i, '.atr')
  if (beside === file || !existsSync(beside)) return []
  const { annotations, rate: own } = readAnnotations(beside)
  return annotations.map(({ tick, symbol, note }) => ({
    onset: (tick - (begin * (own ?? rate)) / rate) / (own ?? rate),
    duration: 0,
    label: symbol,
    ...(note === '' ? {} : { meaning: note }),
  }))
}
