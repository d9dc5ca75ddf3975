/** Units by their code in ISO/IEEE 11073-10101, without the decimal factor. */
const UNITS: Readonly<Record<number, string>> = {
  512: '',
  544: '%',
  736: 'deg',
  2464: 'bpm',
  2688: 'Hz',
  3872: 'mmHg',
  4096: 'A',
  4256: 'V',
  4288: 'Ohm',
  6048: 'degC',
}
const FACTORS: Readonly<Record<number, string>> = {
  0: '',
  1: 'da',
  2: 'h',
  3: 'k',
  4: 'M',
  5: 'G',
  16: 'd',
  17: 'c',
  18: 'm',
  19: 'u',
  20: 'n',
  21: 'p',
}

/** The unit that a code stands for: the low five bits are its decimal factor. Empty for none, `unit 123` for one that is not known. */
export function decodeUnit(code: number): string {
  if (code === 0) return ''
  const [unit, factor] = [UNITS[code & 0xffe0], FACTORS[code & 0x1f]]
  return unit === undefined || factor === undefined ? `unit ${code}` : `${factor}${unit}`
}
