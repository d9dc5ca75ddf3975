import { NumpyArray, numpyNames } from '../../lib/pickle/numpy-names.ts'
import { pythonNames } from '../../lib/pickle/python-names.ts'
import { unpickle } from '../../lib/pickle/unpickle.ts'
import { joinTables, PythonComplex, PythonObject } from '../../lib/pickle/values.ts'
import { readFixture } from '../checkpoints/fixtures.ts'

const names = joinTables(pythonNames, numpyNames)

function load(bytes: Uint8Array | string): unknown {
  const pickle = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  return unpickle(pickle, { names, file: 'a.pkl' }).value
}

function numpy(dtype: string, shape: number[], values: unknown[]) {
  return { dtype, shape, values }
}

describe.each([0, 1, 2, 3, 4, 5])('protocol %i', (protocol) => {
  const values = load(readFixture(`values-${protocol}.pkl`)) as Map<string, unknown>

  test.each<[string, unknown]>([
    ['none', null],
    ['true', true],
    ['false', false],
    ['small', 3],
    ['byte', 200],
    ['word', 60000],
    ['negative', -7],
    ['int', 2 ** 31 - 1],
    ['long', 2n ** 62n],
    ['minus long', -(2n ** 70n)],
    ['float', 0.1],
    ['infinity', Infinity],
    ['text', 'naïve \u{1f9e0} \\ \n'],
    ['long text', 'x'.repeat(300)],
    ['tuple', []],
    ['tuples', [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]],
    ['list', [1, [2, []]]],
    ['set', new Set([1])],
    ['frozen', new Set([2])],
    ['shared', [[1], [1]]],
    ['ordered', new Map([['a', 1]])],
    ['complex', new PythonComplex(1, -2)],
    ['scalar', 0.25],
    ['flag', true],
    ['count', -5],
  ])('%s', (key, expected) => {
    expect(values.get(key)).toEqual(expected)
  })

  test('bytes', () => {
    expect(Array.from(values.get('bytes') as Uint8Array)).toEqual(Array.from({ length: 256 }, (_, i) => i))
    expect(Array.from(values.get('bytearray') as Uint8Array)).toEqual([97, 98, 99])
  })

  test('what is shared stays shared', () => {
    const [first, second] = values.get('shared') as unknown[]
    expect(first).toBe(second)
  })

  test('a namespace is its attributes', () => {
    const namespace = values.get('namespace') as PythonObject
    expect(namespace).toBeInstanceOf(PythonObject)
    expect(namespace.className).toBe('argparse.Namespace')
    expect([...namespace.attributes]).toEqual([
      ['a', 1],
      ['b', 'two'],
    ])
  })

  test.each([
    ['numpy', numpy('float64', [2, 2], [1.5, -2, 3, 4])],
    ['fortran', numpy('int16', [2, 3], [0, 1, 2, 3, 4, 5])],
    ['big endian', numpy('int32', [3], [1, 2, 3])],
    ['strings', numpy('str', [2], ['left', 'right'])],
  ])('numpy array: %s', (key, expected) => {
    const array = values.get(key) as NumpyArray
    expect(array).toBeInstanceOf(NumpyArray)
    expect({ ...array, values: Array.from(array.values as unknown[]) }).toEqual(expected)
  })

  test('a numpy dtype', () => {
    expect(values.get('numpy dtype')).toMatchObject({ kind: 'f', itemSize: 8, name: 'float64' })
  })
})

test.each([
  ['I42\n.', 42],
  ['L42L\n.', 42],
  ['F-inf\n.', -Infinity],
  ["S'a\\x41\\n'\n.", 'aA\n'],
  ['S"it\'s"\n.', "it's"],
  ['V\\u00e9\\U0001f9e0\n.', 'é\u{1f9e0}'],
  ['(I1\nI2\nl.', [1, 2]],
  ["(S'a'\nI1\nd.", new Map([['a', 1]])],
  ['(c__builtin__\nset\n(I1\nlo.', new Set([1])],
  ['((I1\nli__builtin__\nset\n.', new Set([1])],
  ['K\x01K\x020.', 1],
  ['K\x01(K\x02K\x031.', 1],
  ['K\x01(0.', 1],
  ['K\x012\x86.', [1, 1]],
  ['\x8a\x00.', 0],
  ['\x8a\x02\x00\xff.', -256],
  ['U\x03abc.', 'abc'],
])('%j', (pickle, expected) => {
  expect(load(pickle)).toEqual(expected)
})

test('the position after the pickle is given back', () => {
  const bytes = Buffer.from('xxK\x01.K\x02.', 'latin1')
  const first = unpickle(bytes, { names, file: 'a', start: 2 })
  expect(first).toEqual({ value: 1, end: 5 })
  expect(unpickle(bytes, { names, file: 'a', start: first.end }).value).toBe(2)
})

test.each([
  ['os.system', "cos\nsystem\n(S'rm -rf /'\ntR."],
  ['posix.system', '\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02ls\x85R.'],
  ['builtins.eval', "c__builtin__\neval\n(S'1'\ntR."],
  ['builtins.getattr', 'cbuiltins\ngetattr\n.'],
  ['builtins.set.__init__', '\x80\x04\x8c\x08builtins\x8c\x0cset.__init__\x93.'],
  ['subprocess.Popen', "(S'ls'\nisubprocess\nPopen\n."],
  ['"os\\u001b[31m.system"', 'cos\x1b[31m\nsystem\n.'],
  ['constructor.constructor', 'cconstructor\nconstructor\n.'],
  ['__proto__.x', 'c__proto__\nx\n.'],
])('%s is refused by name', (name, pickle) => {
  expect(() => load(pickle)).toThrow(
    expect.objectContaining({
      code: 'FILE_UNSAFE',
      message: `a.pkl: asks for ${name}, which a checkpoint has no need of`,
    }),
  )
})

test.each<[string, string | Uint8Array, string, RegExp]>([
  ['nothing', '', 'FILE_TRUNCATED', /ends too early/],
  ['no end', 'K\x01', 'FILE_TRUNCATED', /ends too early/],
  ['a line without end', 'Sabc', 'FILE_TRUNCATED', /ends too early/],
  ['a string that claims 4 GB', 'X\xff\xff\xff\xffabc.', 'FILE_UNSAFE', /absurd length/],
  ['bytes that claim 2^63', '\x8e\0\0\0\0\0\0\0\x80abc.', 'FILE_TRUNCATED', /more bytes/],
  ['a frame past the end', '\x80\x04\x95\xff\0\0\0\0\0\0\0K\x01.', 'FILE_TRUNCATED', /expected 255 more bytes/],
  ['an integer of a megabyte', `\x8b\x00\x00\x10\x00${'1'.repeat(2 ** 20)}.`, 'FILE_UNSAFE', /absurd length/],
  ['an integer of endless digits', `L${'9'.repeat(100_000)}L\n.`, 'FILE_INVALID', /malformed integer/],
  ['an unknown instruction', 'K\x01\xff.', 'FILE_INVALID', /byte 2 is no pickle instruction \(0xff\)/],
  ['an empty stack', '.', 'FILE_INVALID', /takes more values/],
  ['a value taken from below a mark', 'K\x01(a.', 'FILE_INVALID', /takes more values/],
  ['a group never opened', 'K\x01t.', 'FILE_INVALID', /never opened/],
  ['a memo never kept', 'h\x05.', 'FILE_INVALID', /recalls value 5/],
  ['a call of a number', 'K\x01)R.', 'FILE_INVALID', /cannot be called/],
  ['an append to a number', 'K\x01K\x01a.', 'FILE_INVALID', /no list/],
  ['members of a list', ']K\x01K\x02s.', 'FILE_INVALID', /no dict/],
  ['a key without value', '}(K\x01u.', 'FILE_INVALID', /no dict/],
  ['items of a dict as a set', '}(K\x01\x90.', 'FILE_INVALID', /no set/],
  ['state for a number', 'K\x01}b.', 'FILE_INVALID', /takes none/],
  ['the extension registry', '\x82\x01.', 'FILE_UNSAFE', /extension registry/],
  ['a buffer outside', '\x80\x05\x97.', 'FILE_UNSUPPORTED', /outside/],
  ['protocol 6', '\x80\x06K\x01.', 'FILE_UNSUPPORTED', /protocol 6/],
  ['a persistent id', 'Pabc\n.', 'FILE_INVALID', /not in it/],
  ['named arguments', 'cbuiltins\nset\n)}K\x01K\x01s\x92.', 'FILE_INVALID', /named arguments/],
  ['a set of a number', 'cbuiltins\nset\nK\x01\x85R.', 'FILE_INVALID', /make no sense/],
  ['a gigabyte of zeros', 'cbuiltins\nbytearray\nJ\x00\x00\x00\x40\x85R.', 'FILE_INVALID', /make no sense/],
  [
    'another object to rebuild',
    'ccopyreg\n_reconstructor\n(cbuiltins\nset\ncbuiltins\nobject\nNtR.',
    'FILE_INVALID',
    /make no sense/,
  ],
  [
    'an array longer than its bytes',
    "cnumpy.core.numeric\n_frombuffer\n(C\x08abcdefghcnumpy\ndtype\n(S'f8'\ntR(K\x09tS'C'\ntR.",
    'FILE_INVALID',
    /expected 9 for shape \[9\], received 1/,
  ],
  ['a structured dtype', "cnumpy\ndtype\n(S'V8'\ntR.", 'FILE_UNSUPPORTED', /"V8"/],
])('%s is refused', (_what, pickle, code, message) => {
  expect(() => load(pickle)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
})

test('a pickle that only makes objects, remembers or works is stopped', () => {
  const refused = (pickle: string, limits: object) => () =>
    unpickle(Buffer.from(pickle, 'latin1'), { names, file: 'a', limits })
  expect(refused(`${']'.repeat(2000)}.`, { containers: 1000 })).toThrow(/more than 1000 objects/)
  expect(refused(`${'N0'.repeat(2000)}N.`, { operations: 1000 })).toThrow(/more than 1000 instructions/)
  expect(() => load(`N${'\x94'.repeat(2 ** 22 + 1)}.`)).toThrow(/remembers more than 4194304/)
  expect(() => load(`${']'.repeat(2_000_001)}.`)).toThrow(/more than 2000000 objects/)
})
