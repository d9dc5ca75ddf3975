import { existsSync, fstatSync } from 'node:fs'
import { extname } from 'node:path'
import { EegTorchError } from '../errors.ts'
import { gunzipStart } from '../files/gunzip.ts'
import { readAt } from '../files/read-at.ts'
import { withFile } from '../files/with-file.ts'
import { withSidecars } from './bids/sidecars.ts'
import { readBrainVision } from './brainvision/brainvision.ts'
import { readCsv, startsAsTable } from './csv/csv.ts'
import { readEdf } from './edf.ts'
import { startsAsBdf } from './edf-header.ts'
import { readFif } from './fif/fif.ts'
import { isFif } from './fif/tags.ts'
import type { FileOptions } from './file-options.ts'
import { readGdf } from './gdf/gdf.ts'
import { gdfVersion } from './gdf/header.ts'
import { isMatFile } from './matlab/mat-file.ts'
import { readMat } from './matlab/read-mat.ts'
import { isNpy, isNpz } from './numpy/npy.ts'
import { readNpy, readNpz } from './numpy/read-numpy.ts'
import type { Recording } from './recording.ts'
import { startsAsHeader } from './wfdb/header.ts'
import { readWfdb } from './wfdb/wfdb.ts'
import { isXdf } from './xdf/streams.ts'
import { readXdf } from './xdf/xdf.ts'

/** A format of recordings: how to know it, and how to read it. */
interface FileFormat {
  readonly name: string
  /** Endings of the files that stand for a recording, by which folders are searched. */
  readonly endings: readonly string[]
  /** Whether a file that begins like this is one; the ending counts only where the content says nothing. */
  matches(start: Buffer, file: string): boolean
  read(file: string, options: FileOptions): Promise<Recording>
}

/** Bytes of a file that are enough to know it. */
const START_BYTES = 512

const FORMATS: readonly FileFormat[] = [
  {
    name: 'EDF, BDF',
    endings: ['.edf', '.bdf'],
    matches: (start) => startsAsBdf(start) || start.toString('latin1', 0, 8) === '0       ',
    read: readEdf,
  },
  {
    name: 'BrainVision (.vhdr)',
    endings: ['.vhdr'],
    matches: (start) => /^\s*Brain ?Vision( Core| V-Amp)? Data( Exchange)? Header File/.test(start.toString('latin1')),
    read: readBrainVision,
  },
  {
    name: 'GDF',
    endings: ['.gdf'],
    matches: (start) => gdfVersion(start) !== undefined,
    read: readGdf,
  },
  {
    name: 'EEGLAB (.set), MATLAB (.mat)',
    endings: ['.set', '.mat'],
    matches: isMatFile,
    read: readMat,
  },
  {
    name: 'NumPy (.npy)',
    endings: ['.npy'],
    matches: isNpy,
    read: readNpy,
  },
  {
    name: 'NumPy (.npz)',
    endings: ['.npz'],
    matches: isNpz,
    read: readNpz,
  },
  {
    name: 'FIF',
    endings: ['.fif', '.fif.gz'],
    matches: (start) => isFif(start) || isFif(gunzipStart(start)),
    read: readFif,
  },
  {
    name: 'XDF',
    endings: ['.xdf'],
    matches: isXdf,
    read: readXdf,
  },
  {
    name: 'WFDB (.hea)',
    endings: ['.hea'],
    matches: (start) => startsAsHeader(start.toString('utf8')),
    read: readWfdb,
  },
  {
    name: 'CSV',
    endings: ['.csv'],
    matches: startsAsTable,
    read: readCsv,
  },
]

/** Endings of files that may as well hold something else: they are read when they are named, not when a folder is searched. */
const AMBIGUOUS = new Set(['.csv', '.mat', '.npy', '.npz'])

/** Endings by which a folder is searched for recordings. */
export const RECORDING_ENDINGS: readonly string[] = FORMATS.flatMap(({ endings }) => endings).filter(
  (ending) => !AMBIGUOUS.has(ending),
)

/** Files that hold a part of a recording, and the ending of the one by which it is opened. */
const HEADERS: Readonly<Record<string, string>> = {
  '.eeg': '.vhdr',
  '.vmrk': '.vhdr',
  '.fdt': '.set',
  '.dat': '.hea',
  '.atr': '.hea',
}

/** What could be read in place of a file that is no recording by itself: the header beside it, or any format. */
export function readableFor(file: string): string {
  const ending = extname(file)
  const header = `${file.slice(0, file.length - ending.length)}${HEADERS[ending.toLowerCase()] ?? ''}`
  if (ending.toLowerCase() in HEADERS && existsSync(header)) return `its header, ${header}`
  return FORMATS.map(({ name }) => name).join(', ')
}

/** Whether a file found in a folder is the continuation or a segment of another one, or lies where BIDS keeps what was made from recordings. */
export function isSecondary(file: string, searched: string): boolean {
  const goesOn = /^(.*)-\d+(\.fif(?:\.gz)?)$/i.exec(file)
  if (goesOn !== null && existsSync(`${goesOn[1]}${goesOn[2]}`)) return true
  const segment = /^(.*)_(\d{4}|layout)\.hea$/i.exec(file)
  if (segment !== null && [`${segment[1]}.hea`, `${segment[1]}_layout.hea`].some((path) => existsSync(path)))
    return true
  const aside = /(^|[/\\])(derivatives|sourcedata)([/\\]|$)/
  return /_split-0*([2-9]|1\d)_[^/]*\.fif(\.gz)?$/i.test(file) || (aside.test(file) && !aside.test(searched))
}

/**
 * Opens a recording of any format that is known, by its content; tables beside it are read where its name is one of BIDS.
 *
 * @throws EegTorchError `FILE_NOT_FOUND`; `FILE_UNSUPPORTED` if it is none; what the reader of the format throws
 */
export async function openRecording(file: string, options: FileOptions = {}): Promise<Recording> {
  const format = formatOf(file)
  if (format !== undefined) return withSidecars(await format.read(file, options))
  throw new EegTorchError('FILE_UNSUPPORTED', 'this is no recording of a known format', {
    file,
    expected: readableFor(file),
    received: `a file that starts with ${JSON.stringify(startOf(file).toString('latin1', 0, 8))}`,
  })
}

/** Whether a file is a recording, judged by its content; an ending decides where the content is cut off. */
export function isRecordingFile(file: string): boolean {
  return formatOf(file) !== undefined
}

function formatOf(file: string): FileFormat | undefined {
  const start = startOf(file)
  return FORMATS.find(({ matches }) => matches(start, file)) ?? FORMATS.find(({ endings }) => endsIn(file, endings))
}

function startOf(file: string): Buffer {
  return withFile(file, (descriptor) =>
    readAt(descriptor, 0, Math.min(START_BYTES, fstatSync(descriptor).size), 'its start', file),
  )
}

const endsIn = (file: string, endings: readonly string[]) =>
  endings.some((ending) => file.toLowerCase().endsWith(ending))
