import type { StepSource } from './steps/index.ts'

/** A pipeline that a document states. */
export interface Recipe {
  /** The document, and what of it was left open or read in one way. */
  readonly document: string
  readonly steps: readonly StepSource[]
}

const GRAZ_TRIAL = { from: 2, to: 6, zero: -2 } as const

/**
 * Pipelines that documents state, by name: {@link Pipeline.recipe} makes them. Which events are trials is left to the data.
 */
export const recipes = {
  /**
   * BCI Competition IV 2a as the document "EEG2Image" prepares it for CSBrain: average reference, 0.3 to 50 Hz by a Butterworth filter of order 5, seconds 2 to 6
   * of the trial, 200 Hz, microvolts by 100. The document does not say which way the filter runs; the code that it follows (CBraMod's) runs it forward.
   * Its seconds count from the start of the trial, which is 2 s before the cue, the event that windows are cut around (`zero: -2`).
   */
  'eeg2image-bcic2a': {
    document: 'EEG2Image, BCI Competition IV 2a',
    steps: [
      { pick: 'eeg' },
      { unit: 'uV' },
      { reference: 'average' },
      { filter: { band: [0.3, 50], order: 5, phase: 'forward' } },
      { windows: GRAZ_TRIAL },
      { resample: { rate: 200, manner: 'fft' } },
      { scale: 0.01 },
    ],
  },
  /**
   * Visual imagery as the document "EEG2Image" prepares it: as `eeg2image-bcic2a`, but 0.5 to 4.5 s after the cue. At the 1000 Hz of these recordings the filter
   * is stable in second-order sections alone.
   */
  'eeg2image-visual-imagery': {
    document: 'EEG2Image, Visual Imagery',
    steps: [
      { pick: 'eeg' },
      { unit: 'uV' },
      { reference: 'average' },
      { filter: { band: [0.3, 50], order: 5, phase: 'forward' } },
      { windows: [0.5, 4.5] },
      { resample: { rate: 200, manner: 'fft' } },
      { scale: 0.01 },
    ],
  },
  /**
   * CBraMod's preprocessing of BCI Competition IV 2a (preprocessing_bciciv2a.py): microvolts, average reference, causal Butterworth filter of order 5 from 0.3 to 40 Hz,
   * seconds 2 to 6 of the trial, which begins 2 s before the cue, `scipy.signal.resample` to 200 Hz, by 100. CBraMod runs the filter as one ratio of
   * polynomials, here it is in second-order sections: the same filter with less rounding.
   */
  cbramod: {
    document: 'CBraMod, BCI Competition IV 2a',
    steps: [
      { pick: 'eeg' },
      { unit: 'uV' },
      { reference: 'average' },
      { filter: { band: [0.3, 40], order: 5, phase: 'forward' } },
      { windows: GRAZ_TRIAL },
      { resample: { rate: 200, manner: 'fft' } },
      { scale: 0.01 },
    ],
  },
  /**
   * braindecode's tutorial on trial-wise decoding of BCI Competition IV 2a: microvolts, 4 to 38 Hz by MNE-Python's filter, exponential moving standardising (factor
   * 1e-3, the first 1000 samples by their own), trials of 4 s with 0.5 s before the cue.
   */
  braindecode: {
    document: 'braindecode, trial-wise decoding of BCI Competition IV 2a',
    steps: [
      { pick: 'eeg' },
      { unit: 'uV' },
      { filter: { band: [4, 38], manner: 'mne-fir' } },
      { movingStandardise: { factorNew: 1e-3, initBlockSize: 1000 } },
      { windows: [-0.5, 4] },
    ],
  },
  /**
   * The document on scene-guided diffusion ("SGDM"): 1 to 50 Hz by MNE-Python's filter, independent components (15 of them, seed 42), windows of 0.5 s. Its code excludes no
   * component, which leaves the signal as it was; here those that follow the eyes are taken out, as its heading "artifact removal" says. `remove: []` is its code to the letter.
   * Needs EOG channels, or Fp.
   */
  sgdm: {
    document: 'SGDM: 1-50 Hz, ICA with 15 components and seed 42, windows of 0.5 s',
    steps: [
      { filter: { band: [1, 50], manner: 'mne-fir' } },
      { ica: { components: 15, seed: 42 } },
      { windows: [0, 0.5] },
    ],
  },
  /**
   * Electromyogram: 20 to 450 Hz without delay, then its envelope: rectified, low-pass of 6 Hz. Needs a sampling rate above 900 Hz. For a live stream, say
   * `phase: forward` in both.
   */
  emg: {
    document: 'surface electromyogram: 20-450 Hz, rectified envelope',
    steps: [{ pick: 'emg' }, { filter: [20, 450] }, { envelope: 6 }],
  },
  /** Electrocardiogram: 0.5 to 40 Hz without delay, and an event `R` for each heartbeat, found in the manner of Pan and Tompkins. */
  ecg: {
    document: 'electrocardiogram: 0.5-40 Hz, beats found',
    steps: [{ pick: 'ecg' }, { filter: [0.5, 40] }, 'heartbeats'],
  },
} as const satisfies Record<string, Recipe>

/** Names of {@link recipes}. */
export type RecipeName = keyof typeof recipes
