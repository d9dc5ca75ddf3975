import { numThreads, setNumThreads } from 'eegtorch'

/** Lets the tests of a file compute on one thread: networks this small only wait for a second one, and lose much where other processes want the cores. */
export function useOneThread(): void {
  let threads: number
  beforeAll(async () => {
    threads = numThreads()
    await setNumThreads(1)
  })
  afterAll(() => setNumThreads(threads))
}
