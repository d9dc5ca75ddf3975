/** Physical value of one digital step and of digital 0; undefined if the ranges are empty or too wide for a number. */
export function calibration(
  physicalMin: number,
  physicalMax: number,
  digitalMin: number,
  digitalMax: number,
): { gain: number; offset: number } | undefined {
  const gain = (physicalMax - physicalMin) / (digitalMax - digitalMin)
  const offset = physicalMin - digitalMin * gain
  return Number.isFinite(gain) && Number.isFinite(offset) && gain !== 0 ? { gain, offset } : undefined
}
