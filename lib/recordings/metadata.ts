import { basename } from 'node:path'
import type { RecordingMetadata } from './recording.ts'

/**
 * Subject, session and run as the file's name tells them: BIDS (`sub-001_ses-2_task-x_run-04_eeg.edf`), PhysioNet EEGMMIDB
 * (`S001R06.edf`: subject S001, run 6). Nothing where the name follows neither.
 */
export function metadataFromName(file: string): RecordingMetadata {
  const name = basename(file)
  const bids = /^sub-([A-Za-z0-9]+)(?=[_.])/.exec(name)
  if (bids !== null) {
    return {
      subject: bids[1]!,
      ...entity('session', /_ses-([A-Za-z0-9]+)/.exec(name)),
      ...entity('run', /_run-([A-Za-z0-9]+)/.exec(name)),
    }
  }
  const physionet = /^(S\d{3})R(\d{2})\b/i.exec(name)
  return physionet === null ? {} : { subject: physionet[1]!.toUpperCase(), run: String(Number(physionet[2])) }
}

function entity(key: 'session' | 'run', match: RegExpExecArray | null): RecordingMetadata {
  if (match === null) return {}
  return { [key]: /^\d+$/.test(match[1]!) && key === 'run' ? String(Number(match[1])) : match[1]! }
}
