import { Generator, randn, type Scheduler, schedulerFromConfig, schedulers, type Tensor, zeros } from 'eegtorch'
import { parsePythonJson } from '../../lib/files/python-json.ts'
import { solve } from '../../lib/generation/schedulers/small-systems.ts'
import { roundHalfEven } from '../../lib/generation/schedulers/timesteps.ts'
import { errorOf } from '../thrown.ts'

// Agreement with diffusers step by step is in test/verify/oracle.test.ts.

const STABLE = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', steps_offset: 1 }

/** A network that knows the clean sample. */
function denoise(scheduler: Scheduler, count: number, from = 0) {
  const clean = randn([2, 3, 4])
  const run = scheduler.steps(count)
  let sample =
    from === 0 ? randn([2, 3, 4]).mul(run.initNoiseSigma) : run.addNoise(clean, randn([2, 3, 4]), [from, from])
  for (let i = 0; i < run.timesteps.length; i++) sample = run.step(clean, sample)
  return sample.sub(clean).abs().max().item() as number
}

test.each([
  ['ddim', schedulers.ddim({ predictionType: 'sample', clipSample: false })],
  ['ddpm', schedulers.ddpm({ predictionType: 'sample', clipSample: false })],
  ['euler', schedulers.euler({ predictionType: 'sample' })],
  ['eulerAncestral', schedulers.eulerAncestral({ predictionType: 'sample' })],
  ['dpmSolver', schedulers.dpmSolver({ predictionType: 'sample' })],
  ['unipc', schedulers.unipc({ predictionType: 'sample' })],
] as const)('%s arrives at the clean sample that a perfect network names', (_, scheduler) => {
  expect(denoise(scheduler, 12)).toBeLessThan(1e-3)
})

test('a config in the spelling of diffusers is the same scheduler', () => {
  const file = { _class_name: 'DDIMScheduler', _diffusers_version: '0.6.0', ...STABLE, trained_betas: null }
  const [read, written] = [
    schedulerFromConfig(file),
    schedulers.ddim({ betaStart: 0.00085, betaEnd: 0.012, betaSchedule: 'scaled_linear', stepsOffset: 1 }),
  ]
  expect(read.steps(7).timesteps).toEqual(written.steps(7).timesteps)
  expect(read.schedule.alphasCumprod).toEqual(written.schedule.alphasCumprod)
  expect(schedulerFromConfig(file, 'EulerDiscreteScheduler').steps(4).timestepType).toBe('float32')
})

test('the kind of solver that another family wrote into a file is the usual one, as in diffusers', () => {
  const read = (name: string, kind: string) => schedulerFromConfig({ _class_name: name, solver_type: kind }).config
  for (const kind of ['midpoint', 'heun', 'logrho'])
    expect(read('UniPCMultistepScheduler', kind)).toMatchObject({ solverType: 'bh2' })
  for (const kind of ['bh1', 'bh2', 'logrho'])
    expect(read('DPMSolverMultistepScheduler', kind)).toMatchObject({ solverType: 'midpoint' })
  expect(read('UniPCMultistepScheduler', 'bh1')).toMatchObject({ solverType: 'bh1' })
  expect(errorOf(() => read('UniPCMultistepScheduler', 'bh3')).message).toMatch(/solverType.*"bh3"/)
})

test('what a config asks for and is not there is refused by name', () => {
  const code = (make: () => unknown) => {
    const { code, message } = errorOf(make)
    return `${code} ${message}`
  }
  expect(code(() => schedulerFromConfig({ _class_name: 'LCMScheduler' }))).toMatch(
    /^UNKNOWN_NAME .*DDIMScheduler.*LCMScheduler/,
  )
  expect(code(() => schedulerFromConfig({ ...STABLE }))).toMatch(/^UNKNOWN_NAME .*undefined/)
  expect(code(() => schedulers.ddim({ betaSchedule: 'cubic' as never }))).toMatch(
    /^INVALID_OPTION .*betaSchedule.*"cubic"/,
  )
  expect(code(() => schedulerFromConfig({ _class_name: 'UniPCMultistepScheduler', use_flow_sigmas: true }))).toMatch(
    /useFlowSigmas/,
  )
  expect(code(() => schedulers.pndm({ predictionType: 'sample' as never }))).toMatch(/predictionType/)
  for (const steps of [0, 1001, 2.5, Number.NaN])
    expect(code(() => schedulers.ddim().steps(steps))).toMatch(/^INVALID_OPTION .*from 1 to 1000/)
  for (const make of [schedulers.ddim, schedulers.pndm, schedulers.euler] as const) {
    const offset = make({ stepsOffset: 1, timestepSpacing: 'leading' })
    expect(code(() => offset.steps(1000))).toMatch(/^INVALID_OPTION .*up to 999.*1000, which begin at 1000/)
    expect(offset.steps(500).timesteps[0]).toBe(999)
  }
  for (const [name, way] of [
    ['timestep_type', 'continuous'],
    ['interpolation_type', 'log_linear'],
    ['variance_type', 'learned_range'],
  ] as const) {
    const file = { _class_name: 'EulerDiscreteScheduler', [name]: way }
    expect(code(() => schedulerFromConfig(file))).toMatch(new RegExp(`^INVALID_OPTION .*"${way}"`))
  }
})

test('a run ends after its last step, and noise must have the shape of the sample', () => {
  const run = schedulers.ddpm().steps(2)
  const sample = zeros([1, 2])
  expect(() => run.step(sample, sample, { noise: zeros([2, 1]) })).toThrow(/\(1, 2\).*\(2, 1\)/)
  run.step(sample, sample)
  expect(() => run.step(sample, sample)).toThrow(/all its steps/)
})

test('a generator makes a run repeatable', () => {
  const go = (seed: number) => {
    const generator = new Generator(seed)
    const run = schedulers.ddpm({ clipSample: false }).steps(5)
    let sample: Tensor = zeros([1, 4]).add(1)
    for (let i = 0; i < 5; i++) sample = run.step(zeros([1, 4]), sample, { generator })
    return sample.toArray()
  }
  expect(go(3)).toEqual(go(3))
  expect(go(4)).not.toEqual(go(3))
})

test('velocity and noise come back from the mixture they were made of', () => {
  const { schedule } = schedulers.ddpm()
  const [clean, noise]: Tensor[] = [randn([3, 5]), randn([3, 5])]
  const steps = [0, 500, 999]
  const noisy = schedule.addNoise(clean!, noise!, steps)
  const velocity = schedule.velocity(clean!, noise!, steps)
  const length = (x: Tensor) => x.pow(2).sum().item() as number
  expect(length(noisy) + length(velocity)).toBeCloseTo(length(clean!) + length(noise!), 3)
})

test('halves are rounded to even numbers, and small systems solved', () => {
  expect([0.5, 1.5, 2.5, 2.4, 2.6, 7].map(roundHalfEven)).toEqual([0, 2, 2, 2, 3, 7])
  const [x, y, z] = solve(
    [
      [0, 2, 1],
      [1, -1, 3],
      [2, 0.5, -1],
    ],
    [7, 8, 0],
  )
  expect([2 * y! + z!, x! - y! + 3 * z!, 2 * x! + 0.5 * y! - z!].map((v) => Math.round(v * 1e9) / 1e9)).toEqual([
    7, 8, 0,
  ])
})

test('JSON of Python may hold infinities', () => {
  const text = '{"a": -Infinity, "b": [NaN, Infinity, 1], "Infinity": "NaN, -Infinity \\" Infinity"}'
  expect(parsePythonJson(text)).toEqual({
    a: Number.NEGATIVE_INFINITY,
    b: [null, Number.POSITIVE_INFINITY, 1],
    Infinity: 'NaN, -Infinity " Infinity',
  })
  expect(() => parsePythonJson('{"a": Inf}')).toThrow(SyntaxError)
})
