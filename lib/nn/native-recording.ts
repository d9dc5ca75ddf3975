import type { ModelId } from '../models/native-models.ts'
import { nativeFunctions, type TensorId } from '../native.ts'

/** A recording's number in the addon. */
export type RecordingId = number

interface NativeRecording {
  startRecording(inputs: TensorId[], cudaGraph: boolean): void
  finishRecording(outputs: TensorId[], cudaGraph: boolean): RecordingId
  finishRecording(nothing: null): null
  replay(recording: RecordingId, inputs: TensorId[]): TensorId[]
  replayAsync(recording: RecordingId, inputs: TensorId[]): Promise<TensorId[]>
  makeRecordedModel(
    name: string,
    parameters: [name: string, tensor: TensorId][],
    buffers: [name: string, tensor: TensorId][],
  ): ModelId
  addTape(model: ModelId, training: boolean, inputs: TensorId[], recording: RecordingId): void
  removeObject(id: number): boolean
}

/** The addon's functions for recordings; `binding/recording.cpp` implements them. */
export const nativeRecording: NativeRecording = nativeFunctions<NativeRecording>()
