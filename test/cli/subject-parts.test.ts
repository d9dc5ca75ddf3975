import { splitBySubject } from '../../lib/cli/subject-parts.ts'
import { makeWindows } from '../evaluation/make-windows.ts'

const windows = makeWindows(
  ['SIM01', 'SIM02', 'SIM03'].flatMap((subject) =>
    [1, 2].map((trial) => ({ subject, session: '1', run: '1', trial, start: 50 * trial })),
  ),
)
const data = 'study.store'

test('named subjects are in their part alone, all others train', async () => {
  const { train, validation, test } = await splitBySubject(windows, {
    ...{ data, validationSubjects: ['SIM02'], testSubjects: ['SIM03'] },
  })
  expect([train, validation, test].map((part) => part?.subject(0))).toEqual(['SIM01', 'SIM02', 'SIM03'])
})

test.each(['trainSubjects', 'validationSubjects', 'testSubjects'] as const)(
  'a name of %s that is no subject’s is refused, for its subject would train',
  async (option) => {
    await expect(splitBySubject(windows, { data, [option]: ['SIM02', 'sim03'] })).rejects.toMatchObject({
      ...{ code: 'INVALID_OPTION', option, received: 'sim03', expected: 'some of SIM01, SIM02, SIM03' },
    })
  },
)

test('nobody left to train on is refused', async () => {
  const testSubjects = ['SIM01', 'SIM02', 'SIM03']
  await expect(splitBySubject(windows, { data, testSubjects })).rejects.toMatchObject({
    ...{ option: 'trainSubjects', received: 'all of them in other parts' },
  })
})
