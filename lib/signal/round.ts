/** The nearest whole number, the even one of two that are equally near: Python's `round`. */
export function roundHalfToEven(x: number): number {
  const floor = Math.floor(x)
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x)
}
