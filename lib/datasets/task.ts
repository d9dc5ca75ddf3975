import type { Recording, RecordingEvent } from '../recordings/recording.ts'

/** Names the class of an event, or undefined for events that are no trial. */
export type LabelEvent = (event: RecordingEvent, recording: Recording) => string | undefined

/** A named decoding task: which events are trials, and of which class. */
export interface Task {
  readonly name: string
  readonly classNames: readonly string[]
  readonly label: LabelEvent
}

/** A task in which the class is what an event means. */
export function meaningTask(name: string, classNames: readonly string[]): Task {
  return {
    name,
    classNames,
    label: ({ meaning }) => (meaning !== undefined && classNames.includes(meaning) ? meaning : undefined),
  }
}
