/** Does work that Control-C and SIGTERM ask to stop, through the signal that it is given. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const cancel = new AbortController()
  const stop = () => cancel.abort(new Error('interrupted'))
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    return await work(cancel.signal)
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}
