/** The nearest whole number, the even one of two that are equally near: Python's `round`. */
export function roundHalfToEven(x: number): number {
  const rounded = Math.round(x)
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}
