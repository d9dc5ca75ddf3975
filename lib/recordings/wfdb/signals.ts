import { basename, dirname, join } from 'node:path'
import { EegTorchError } from '../../errors.ts'
import { sizeOf } from '../../files/read-at.ts'
import { channelNames, channelType } from '../channels.ts'
import type { FileOptions } from '../file-options.ts'
import { invalid } from '../invalid.ts'
import { requireRate, roundRate } from '../main-rate.ts'
import type { Channel } from '../recording.ts'
import { voltsPer } from '../units.ts'
import type { WfdbHeader, WfdbSignal } from './header.ts'
import { PACKINGS, WHOLE_FRAMES } from './packing.ts'
import { type WfdbChannel, type WfdbGroup, WfdbSource } from './wfdb-source.ts'

/** The signals of a record without segments, or of one segment: their frames, held against the files. */
export interface OpenSignals {
  readonly nFrames: number
  readonly source: WfdbSource
}

/** Formats whose samples are a FLAC stream. */
const FLAC: ReadonlySet<number> = new Set([508, 516, 524])

/** Opens the files of signals that a header names. @throws EegTorchError `FILE_NOT_FOUND`, `FILE_TRUNCATED`, `FILE_UNSUPPORTED` */
export function openSignals(header: WfdbHeader, file: string, options: FileOptions, warnings: string[]): OpenSignals {
  const groups = groupsOf(header, file, options.truncated, warnings)
  const nFrames = Math.min(...groups.map((group) => group.nFrames))
  const skew = Math.max(...header.signals.map((signal) => signal.skew))
  if (skew >= nFrames)
    throw invalid(file, 'a signal is skewed out of the record', `less than ${nFrames} frames`, `${skew}`)
  return {
    nFrames,
    source: new WfdbSource(placeChannels(header.signals, groups, options.unit ?? '')),
  }
}

/** Signals one behind the other with the same file share it. */
function groupsOf(
  { signals, nFrames: promised }: WfdbHeader,
  file: string,
  truncated: FileOptions['truncated'],
  warnings: string[],
): WfdbGroup[] {
  const shared: WfdbSignal[][] = []
  for (const signal of signals) {
    if (shared.at(-1)?.[0]?.file === signal.file) shared.at(-1)!.push(signal)
    else shared.push([signal])
  }
  return shared.map((members) => {
    const { file: name, format, byteOffset } = members[0]!
    const packing = PACKINGS[format]
    if (packing === undefined || members.some((member) => member.format !== format)) {
      const what = FLAC.has(format) ? 'compressed by FLAC' : 'stored in a format that is not known'
      throw new EegTorchError('FILE_UNSUPPORTED', `the samples of ${name} are ${what}: write them anew with xform -O`, {
        file,
        expected: `one of ${Object.keys(PACKINGS).join(', ')}`,
        received: [...new Set(members.map((member) => member.format))].join(' and '),
      })
    }
    const data = join(dirname(file), basename(name))
    const samplesPerFrame = members.reduce((sum, member) => sum + member.samplesPerFrame, 0)
    const bytes = sizeOf(data) - byteOffset
    const complete = framesIn(bytes, samplesPerFrame, packing.bytesOf)
    const nFrames = promised ?? complete
    const isShort = complete < nFrames
    if (complete === 0 || (isShort && truncated !== 'read')) {
      throw new EegTorchError('FILE_TRUNCATED', `the samples of ${basename(file)} are cut off`, {
        file: data,
        expected: `${nFrames} frames in ${packing.bytesOf(nFrames * samplesPerFrame)} bytes`,
        received: `${Math.max(0, bytes)} bytes`,
      })
    }
    if (isShort) warnings.push(`${name} is cut off: ${complete} of ${nFrames} frames were read.`)
    return { file: data, byteOffset, packing, samplesPerFrame, nFrames: Math.min(complete, nFrames) }
  })
}

function framesIn(bytes: number, samplesPerFrame: number, bytesOf: (count: number) => number): number {
  let frames = Math.max(0, Math.floor(bytes / bytesOf(WHOLE_FRAMES * samplesPerFrame)) * WHOLE_FRAMES)
  while (bytesOf((frames + 1) * samplesPerFrame) <= bytes) frames++
  return frames
}

function placeChannels(signals: readonly WfdbSignal[], groups: readonly WfdbGroup[], fallback: string): WfdbChannel[] {
  let [group, first] = [0, 0]
  return signals.map((signal, i) => {
    if (i > 0 && signals[i - 1]!.file !== signal.file) {
      group++
      first = 0
    }
    const { samplesPerFrame: count, skew, baseline, gain, unit, initial } = signal
    const scale = (voltsPer(unit || fallback) ?? 1) / gain
    const place = { group: groups[group]!, first, count, skew, baseline, scale, initial }
    first += count
    return place
  })
}

/** Channels as a header describes its signals. @throws EegTorchError `FILE_INVALID` for a rate that is not usable */
export function describeChannels({ signals, rate }: WfdbHeader, file: string, fallback: string): Channel[] {
  const names = channelNames(signals.map(({ description }) => description))
  return signals.map(({ description, unit, samplesPerFrame }, i) => {
    const samplingRate = roundRate(rate * samplesPerFrame)
    requireRate(samplingRate, file)
    const named = unit || fallback
    const isElectric = voltsPer(named) !== undefined
    const type = channelType(description, isElectric)
    return {
      name: names[i]!,
      label: description,
      // Leads of the heart have names of their own.
      type: isElectric && /^(M?L?I{1,3}|a?V[RLF1-6]|V|MCL\d|ECG.*)$/i.test(description) ? 'ecg' : type,
      unit: isElectric ? 'V' : named,
      samplingRate,
    }
  })
}
