import { manualSeed } from 'eegtorch'

// LibTorch seeds itself from the clock: without this, a test that draws numbers would fail once in a few hundred runs.
manualSeed(0)
beforeEach(() => manualSeed(0))
