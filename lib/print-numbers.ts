// How one number of a printed tensor looks: PyTorch's rules, which follow from all numbers that are shown.

const PRECISION = 4

/** Turns numbers of one tensor into strings of one width. */
export interface NumberFormat {
  width: number
  format(value: unknown): string
}

/** Python rounds ties to even, JavaScript away from zero: `0.03125` is `0.0312` there and `0.0313` here. */
function fixTie(rounded: string, longer: string, exact: string): string {
  const tail = exact.slice(longer.length)
  if (!longer.endsWith('5') || /[1-9]/.test(tail)) return rounded
  const cut = longer.slice(0, -1)
  return Number(cut.at(-1)) % 2 === 0 ? cut : rounded
}

function signed(value: number, text: string): string {
  return value < 0 || Object.is(value, -0) ? `-${text}` : text
}

function nonFinite(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  return value > 0 ? 'inf' : '-inf'
}

/** Python's `.4f`. */
export function fixed(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value)
  const size = Math.abs(value)
  return signed(value, fixTie(size.toFixed(PRECISION), size.toFixed(PRECISION + 1), size.toFixed(60)))
}

/** Python's `.4e`: an exponent of two digits at least. */
function scientific(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value)
  const size = Math.abs(value)
  const [mantissa, exponent] = size.toExponential(PRECISION).split('e') as [string, string]
  const [longer] = size.toExponential(PRECISION + 1).split('e') as [string]
  const [exact] = size.toExponential(90).split('e') as [string]
  const digits = exponent.slice(1).padStart(2, '0')
  return signed(value, `${fixTie(mantissa, longer, exact)}e${exponent[0]}${digits}`)
}

/** A whole number with the point that says that it is a float. */
function whole(value: number): string {
  return Number.isFinite(value) ? `${signed(value, Math.abs(value).toFixed(0))}.` : nonFinite(value)
}

function padded(width: number, text: (value: number) => string): NumberFormat {
  return { width, format: (value) => text(value as number).padStart(width) }
}

/** The format of integers and booleans: as they are, in one width. */
export function exactFormat(values: readonly unknown[]): NumberFormat {
  const text = (value: unknown) => (value === true ? 'True' : value === false ? 'False' : String(value))
  const width = Math.max(1, ...values.map((value) => text(value).length))
  return { width, format: (value) => text(value).padStart(width) }
}

/**
 * The format of floats: whole numbers where all are (`2.`), else four decimals, or powers of ten where the sizes differ by
 * more than a thousand, pass 1e8 or fall below 1e-4. Zeros, infinities and NaNs have no say, not even in the width.
 */
export function floatFormat(values: readonly number[]): NumberFormat {
  const deciding = values.filter((value) => Number.isFinite(value) && value !== 0)
  if (deciding.length === 0) return padded(1, whole)
  const sizes = deciding.map(Math.abs)
  const largest = sizes.reduce((a, b) => Math.max(a, b))
  const smallest = sizes.reduce((a, b) => Math.min(a, b))
  const text =
    largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4
      ? scientific
      : deciding.every(Number.isInteger)
        ? whole
        : fixed
  const width = deciding.reduce((widest, value) => Math.max(widest, text(value).length), 1)
  return padded(width, text)
}
