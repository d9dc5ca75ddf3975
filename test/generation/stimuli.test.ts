import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { findStimuli, StimulusFolder } from 'eegtorch'
import { rejectionOf } from '../thrown.ts'

const root = mkdtempSync(join(tmpdir(), 'stimuli-'))
afterAll(() => rmSync(root, { recursive: true }))

function folderOf(name: string, ...files: string[]): string {
  for (const file of files) {
    mkdirSync(dirname(join(root, name, file)), { recursive: true })
    writeFileSync(join(root, name, file), '')
  }
  return join(root, name)
}

test('a class is shown by files of its name or last word, else by what begins with it or lies in its folder', async () => {
  const files = ['dog.png', 'dog-2.png', 'Animal_Bird.JPG', 'cups/1.png', 'cups/2.webp', 'chair-1.png', 'chairman.png']
  const stimuli = await StimulusFolder.open(folderOf('classes', ...files, 'notes.txt'))
  const found = (name: string) => stimuli.ofClass(name).map((file) => relative(stimuli.folder, file))
  expect(['dog', 'bird', 'cup', 'chair', 'fish'].map(found)).toEqual([
    ['dog.png'],
    ['Animal_Bird.JPG'],
    ['cups/1.png', 'cups/2.webp'],
    ['chair-1.png'],
    [],
  ])
  expect((await findStimuli(stimuli.folder, ['Bird', 'dog'])).map((file) => relative(stimuli.folder, file))).toEqual([
    'Animal_Bird.JPG',
    'dog.png',
  ])
  const several = (await rejectionOf(findStimuli(stimuli.folder, ['dog', 'cup']))) as Error
  expect(several.message).toMatch(/several pictures show the class "cup".*1\.png/s)
  const none = (await rejectionOf(findStimuli(stimuli.folder, ['fish']))) as Error
  expect(none.message).toMatch(/no picture shows "fish".*Category_fish\.jpg/s)
})

test('a stimulus is found by its own name before its class, by its folders where several have the name', async () => {
  const stimuli = await StimulusFolder.open(folderOf('names', 'a/7.png', 'b/7.png', 'Figure_star.jpg', 'face.png'))
  const found = (stimulus: string | undefined, name: string) =>
    relative(stimuli.folder, stimuli.ofTrial(stimulus, name))
  expect(found('shown/b/7.png', 'face')).toBe('b/7.png')
  expect(found('star', 'face')).toBe('Figure_star.jpg')
  expect(found('FACE.bmp', 'house')).toBe('face.png')
  expect(found('unknown', 'face')).toBe('face.png')
  expect(() => stimuli.ofTrial('unknown', 'house')).toThrow(/no picture shows "unknown"/)
})

test('a folder without pictures is an error that names it', async () => {
  const error = (await rejectionOf(StimulusFolder.open(folderOf('empty', 'notes.txt')))) as Error
  expect(error.message).toMatch(/empty: no picture is there/)
})
