// @ts-expect-error: a script, without types
import { Host } from '../../scripts/bench/host.mjs'

/** A host that takes `shares` of the processor in one turn after the other, on a clock by which turns take a second and pauses five. */
function machine(shares: number[], patience: number) {
  let seconds = 0
  let [all, stolen] = [0, 0]
  const host = new Host(patience, {
    read: () => ({ all, stolen }),
    now: () => 1000 * seconds,
    wait: async () => {
      seconds += 5
    },
  })
  let turns = 0
  const turn = async () => {
    seconds += 1
    all += 200
    stolen += 200 * shares[turns]!
    return turns++
  }
  return { host, turn }
}

test('a turn of a quiet machine counts, however long it took', async () => {
  const { host, turn } = machine([0, 0.02], 60_000)
  expect(await host.undisturbed(turn)).toBe(0)
  expect(await host.undisturbed(turn)).toBe(1)
  expect(host.describe()).toContain('0 run again, 0 counted')
})

test('a turn from which the host took time is run again', async () => {
  const { host, turn } = machine([0.5, 0.03, 0.01], 60_000)
  expect(await host.undisturbed(turn)).toBe(2)
  expect(host.describe()).toContain('2 run again, 0 counted')
})

test('when the patience is spent turns count as they are, and are said to', async () => {
  const { host, turn } = machine([0.5, 0.5, 0.5, 0.5, 0], 10_000)
  expect(await host.undisturbed(turn)).toBe(2)
  expect(await host.undisturbed(turn)).toBe(3)
  expect(await host.undisturbed(turn)).toBe(4)
  expect(host.describe()).toContain('2 run again, 2 counted')
})

test('where the system does not say what its host takes every turn counts', async () => {
  const host = new Host(60_000, { read: () => ({ all: 0, stolen: 0 }), now: () => 0, wait: async () => undefined })
  expect(await host.undisturbed(async () => 'once')).toBe('once')
})
