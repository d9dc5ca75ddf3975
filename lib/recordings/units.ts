const SCALES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  '\u00b5': 1e-6,
  '\u03bc': 1e-6,
  '\x83\xca': 1e-6,
  '\u00c2\u00b5': 1e-6,
  m: 1e-3,
  k: 1e3,
}

/**
 * Volts in one of a unit, undefined if the unit is no voltage. Both micro signs, the Shift-JIS one and the UTF-8 one read as Latin-1
 * occur in files.
 */
export function voltsPer(unit: string): number | undefined {
  const long = /^(micro|milli|nano|kilo)v(?:olts?)?$/i.exec(unit)?.[1]?.toLowerCase()
  if (long !== undefined) return voltsPer(`${{ micro: 'u', milli: 'm', nano: 'n', kilo: 'k' }[long]}V`)
  const match = /^([nmku\u00b5\u03bc]|\x83\xca|\u00c2\u00b5)?v(olts?)?$/i.exec(unit)
  if (match === null || unit.startsWith('M')) return undefined
  if (match[1] === undefined) return 1
  // As written first: `\xca`, a part of micro signs, is an upper-case letter.
  return SCALES[match[1]] ?? SCALES[match[1].toLowerCase()]
}
