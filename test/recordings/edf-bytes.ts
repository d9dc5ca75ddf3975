/** One signal of a hand-made EDF file. */
export interface SignalBytes {
  label: string
  unit?: string
  physical?: [string | number, string | number]
  digital?: [string | number, string | number]
  samples: string | number
  transducer?: string
  prefilter?: string
}

export interface EdfBytes {
  version?: string
  patient?: string
  recording?: string
  date?: string
  time?: string
  headerBytes?: string | number
  reserved?: string
  nRecords?: string | number
  duration?: string | number
  nSignals?: string | number
  signals?: SignalBytes[]
  /** Contents of the records: for each record, for each signal, digital values or annotation text. */
  records?: (number[] | string)[][]
}

/** Bytes of an EDF file, as wrong as the caller wants. Written without the library, so that the reader is not tested by itself. */
export function edfBytes({ signals = [], records = [], ...h }: EdfBytes): Buffer {
  const fixed = [
    [h.version ?? '0', 8],
    [h.patient ?? 'X X X X', 80],
    [h.recording ?? '', 80],
    [h.date ?? '01.02.03', 8],
    [h.time ?? '04.05.06', 8],
    [h.headerBytes ?? 256 * (signals.length + 1), 8],
    [h.reserved ?? '', 44],
    [h.nRecords ?? records.length, 8],
    [h.duration ?? 1, 8],
    [h.nSignals ?? signals.length, 4],
  ] as const
  const columns = [
    ...signals.map(({ label }) => [label, 16] as const),
    ...signals.map(({ transducer }) => [transducer ?? '', 80] as const),
    ...signals.map(({ unit }) => [unit ?? 'uV', 8] as const),
    ...signals.map(({ physical }) => [physical?.[0] ?? -100, 8] as const),
    ...signals.map(({ physical }) => [physical?.[1] ?? 100, 8] as const),
    ...signals.map(({ digital }) => [digital?.[0] ?? -1000, 8] as const),
    ...signals.map(({ digital }) => [digital?.[1] ?? 1000, 8] as const),
    ...signals.map(({ prefilter }) => [prefilter ?? '', 80] as const),
    ...signals.map(({ samples }) => [samples, 8] as const),
    ...signals.map(() => ['', 32] as const),
  ]
  const header = [...fixed, ...columns].map(([text, width]) => String(text).padEnd(width).slice(0, width)).join('')
  const data = records.map((record) =>
    Buffer.concat(record.map((values, i) => signalBytes(values, Number(signals[i]?.samples ?? 0)))),
  )
  return Buffer.concat([Buffer.from(header, 'latin1'), ...data])
}

/** Values or text, cut and filled to `n` samples; for an unusable `n`, the values alone. */
function signalBytes(values: number[] | string, n: number): Buffer {
  const bytes = Buffer.alloc(n > 0 ? 2 * n : 2 * values.length)
  if (typeof values === 'string') bytes.write(values, 'utf8')
  else for (const [i, value] of values.slice(0, bytes.length / 2).entries()) bytes.writeInt16LE(value, 2 * i)
  return bytes
}
