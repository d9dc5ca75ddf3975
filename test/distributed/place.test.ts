import { DataLoader, fromTypedArray, initProcessGroup } from 'eegtorch'
import { deviceOfProcess, firstNode, readProcessPlace } from '../../lib/distributed/process-place.ts'
import { errorOf } from '../thrown.ts'

describe('where a process finds the others', () => {
  test('a process that was started alone has no place', () => {
    expect(readProcessPlace({})).toBeUndefined()
    expect(readProcessPlace({ SLURM_PROCID: '0' })).toBeUndefined()
  })

  test('eegtorch launch and torchrun', () => {
    const environment = { RANK: '3', WORLD_SIZE: '4', LOCAL_RANK: '1', MASTER_ADDR: 'node1', MASTER_PORT: '1234' }
    const place = { rank: 3, worldSize: 4, localRank: 1, host: 'node1', port: 1234 }
    expect(readProcessPlace(environment)).toEqual(place)
    const agent = { ...environment, TORCHELASTIC_USE_AGENT_STORE: 'True', TORCHELASTIC_RESTART_COUNT: '2' }
    expect(readProcessPlace(agent)).toEqual({ ...place, prefix: 'eegtorch/attempt-2' })
    expect(readProcessPlace({ RANK: '0', WORLD_SIZE: '1' })).toEqual({
      ...{ rank: 0, worldSize: 1, localRank: 0, host: '127.0.0.1', port: 29500 },
    })
  })

  test('each process of a machine takes a GPU of its own', () => {
    const devices = (device: 'cpu' | 'cuda' | 'cuda:1') =>
      [0, 1].map((localRank) => deviceOfProcess(device, { localRank }, 2))
    expect([devices('cpu'), devices('cuda'), devices('cuda:1')]).toEqual([
      ['cpu', 'cpu'],
      ['cuda:0', 'cuda:1'],
      ['cuda:1', 'cuda:1'],
    ])
    expect(() => deviceOfProcess('cuda', { localRank: 2 }, 2)).toThrow(
      'each process needs a GPU of its own: expected at most 2 processes on this machine, received process 3',
    )
  })

  test('Slurm, whose jobs get ports of their own', () => {
    const environment = {
      ...{ SLURM_PROCID: '5', SLURM_NTASKS: '8', SLURM_LOCALID: '1', SLURM_JOB_ID: '20007' },
      SLURM_NODELIST: 'gpu[07-09,12],big1',
    }
    expect(readProcessPlace(environment)).toEqual({ rank: 5, worldSize: 8, localRank: 1, host: 'gpu07', port: 15007 })
    const named = { ...environment, MASTER_ADDR: '10.0.0.1', MASTER_PORT: '777' }
    expect(readProcessPlace(named)).toMatchObject({ host: '10.0.0.1', port: 777 })
  })

  test.each([
    ['node1', 'node1'],
    ['node1,node2', 'node1'],
    ['node[3,5-7]', 'node3'],
    ['rack2-node[010-012]-ib,rack3', 'rack2-node010-ib'],
  ])('the first of %s', (list, first) => {
    expect(firstNode(list)).toBe(first)
  })

  test.each([
    [{ RANK: '1' }, 'the variable WORLD_SIZE is not usable: expected a whole number, 0 or more, received nothing'],
    [
      { RANK: '-1', WORLD_SIZE: '2' },
      'the variable RANK is not usable: expected a whole number, 0 or more, received -1',
    ],
    [
      { RANK: '2', WORLD_SIZE: '2' },
      'the number of this process is out of range: expected 0 to 1, for 2 processes, received 2',
    ],
  ])('refuses %j', (environment, message) => {
    const error = errorOf(() => readProcessPlace(environment))
    expect(error).toMatchObject({ code: 'INVALID_OPTION', message })
  })

  test('without the variables there is nobody to connect to', async () => {
    await expect(initProcessGroup()).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'RANK' })
  })
})

describe('the loader of several processes', () => {
  const rows = (count: number) => ({
    inputs: fromTypedArray(new Float32Array(count)),
    targets: fromTypedArray(new BigInt64Array(count)),
  })
  const orders = (count: number, worldSize: number, more: object = {}, epoch = 0) =>
    Array.from({ length: worldSize }, (_, rank) =>
      new DataLoader(rows(count), { batchSize: 4, group: { rank, worldSize }, ...more }).order(epoch),
    )

  test('the parts together are the batches of one process', () => {
    const whole = new DataLoader(rows(29), { batchSize: 12, shuffle: true, seed: 3 })
    for (const epoch of [0, 1]) {
      const parts = orders(29, 3, { shuffle: true, seed: 3 }, epoch)
      const joined = whole.order(epoch).map((_, i) => parts.flatMap((order) => order[i]!))
      expect(joined).toEqual(whole.order(epoch))
    }
    expect(whole.order(0)).not.toEqual(whole.order(1))
  })

  test('every process has the same number of batches, also when a last one has too few examples', () => {
    const parts = orders(25, 3)
    expect(parts.map((order) => order.map((batch) => batch.length))).toEqual([
      [4, 4, 1],
      [4, 4, 1],
      [4, 4, 1],
    ])
    expect(new Set(parts.flat(2)).size).toBe(25)
    expect(orders(25, 3, { dropLast: true }).map((order) => order.length)).toEqual([2, 2, 2])
  })

  test('without filling, every example is there once', () => {
    const parts = orders(25, 3, { fillLast: false })
    expect(parts.flat(2).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, i) => i))
  })
})
