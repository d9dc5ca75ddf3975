import { createHash } from 'node:crypto'
import type { EegWindows } from '../datasets/windows.ts'
import { hashWindows } from '../evaluation/seen-trials.ts'
import { contentIdentity } from '../files/content-identity.ts'
import type { Recording } from '../recordings/recording.ts'

/**
 * A short text that tells whether windows are still those that they were: their trials and classes, in order, and the files that they were cut from. Where
 * these lie does not count; nor does the last bit of a filter, which another processor may round otherwise.
 *
 * @param recordings what the windows were cut from; of those without files the windows' samples count
 */
export async function windowsIdentity(windows: EegWindows, recordings: readonly Recording[]): Promise<string> {
  const { classNames, origins } = windows
  const hash = createHash('sha256').update(JSON.stringify(classNames))
  for (const [index, { trial, onset, label, stimulus }] of origins.entries()) {
    const { name, subject, session, run } = windows.recordingOf(index)
    const told = [name, subject, session, run, trial, onset, label, stimulus]
    hash.update(JSON.stringify(told.map((value) => value ?? null)))
  }
  const used = new Set(windows.recordings.map(({ identity }) => identity))
  const sources = recordings.filter(({ identity }) => used.has(identity))
  for (const file of new Set(sources.flatMap(({ files }) => files))) hash.update(await contentIdentity(file))
  if (sources.some(({ files }) => files.length === 0)) {
    for (const samples of (await hashWindows(windows)).values()) hash.update(samples)
  }
  return `sha256:${hash.digest('hex')}`
}
