/** Position of the last item of which something holds that holds of all before it; 0 where it holds of none. */
export function lastWhere<T>(list: readonly T[], holds: (item: T) => boolean): number {
  let low = 0
  let high = list.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (holds(list[middle]!)) low = middle
    else high = middle - 1
  }
  return low
}
