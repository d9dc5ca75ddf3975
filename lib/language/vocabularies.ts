/** What a language model says of EEG, and what is made of it. Lists are by label. */
export interface TextVocabulary {
  readonly name: string
  readonly labels: readonly string[]
  /** Sentences that a model learns to say of a label; the first one stands for it. */
  readonly sentences: readonly (readonly string[])[]
  /** Words that tell a label, the label's own first. */
  readonly keywords: readonly (readonly string[])[]
  /** What an image model is asked to draw. */
  readonly prompts: readonly string[]
  /** What the language model is, and what it is asked. */
  readonly system: string
  readonly question: string
}

/** VI_KEYWORDS of the EEG-to-image design document. */
const VISUAL_KEYWORDS = [
  ['dog', 'canine', 'golden retriever', 'animal'],
  ['bird', 'avian', 'feather', 'wing'],
  ['fish', 'aquatic', 'fin', 'swim'],
  ['pentagram', 'star', 'five-pointed', 'pentagon'],
  ['square', 'rectangle', 'four-sided', 'box'],
  ['circle', 'round', 'oval', 'sphere'],
  ['scissor', 'scissors', 'cutting', 'shears'],
  ['watch', 'clock', 'timepiece', 'wristwatch'],
  ['cup', 'mug', 'coffee', 'ceramic'],
  ['chair', 'seat', 'furniture', 'sitting'],
] as const

const VISUAL_DRAWINGS = [
  'a golden retriever dog',
  'a bird with spread wings and fine feathers',
  'a fish swimming in clear water',
  'a pentagram, a five-pointed star, drawn in black lines on white',
  'a plain square drawn in black lines on white',
  'a plain circle drawn in black lines on white',
  'a pair of scissors',
  'a wristwatch',
  'a ceramic coffee cup',
  'a wooden chair',
]

const MOTOR_KEYWORDS = [
  ['left hand', 'left'],
  ['right hand', 'right'],
  ['feet', 'foot', 'legs', 'walking'],
  ['tongue', 'mouth', 'speaking'],
] as const

const MOTOR_DRAWINGS = ['a left hand', 'a right hand', 'two bare feet', 'a tongue sticking out of a mouth']

/** Ten pictures that people imagine (EEG Visual Imagery, figshare 30227503). */
const visualImageryTexts: TextVocabulary = {
  name: 'visual-imagery',
  labels: ['dog', 'bird', 'fish', 'pentagram', 'square', 'circle', 'scissor', 'watch', 'cup', 'chair'],
  keywords: VISUAL_KEYWORDS,
  sentences: VISUAL_KEYWORDS.map(([word]) => [
    `The person pictures ${article(word)}.`,
    `In the mind's eye there is ${article(word)}.`,
    `This recording shows the thought of ${article(word)}.`,
  ]),
  prompts: VISUAL_DRAWINGS.map((drawing) => `A photo of ${drawing}, sharp, centred, on a plain background`),
  system: 'You read visual imagery from recordings of the brain and name the one thing that is imagined.',
  question: 'What does the person imagine?',
}

/** Movements that people imagine (BCI Competition IV 2a). */
const motorImageryTexts: TextVocabulary = {
  name: 'motor-imagery',
  labels: ['left hand', 'right hand', 'feet', 'tongue'],
  keywords: MOTOR_KEYWORDS,
  sentences: MOTOR_KEYWORDS.map(([part]) => [
    `The person imagines moving the ${part}.`,
    `A movement of the ${part} is imagined.`,
    `This recording shows the thought of moving the ${part}.`,
  ]),
  prompts: MOTOR_DRAWINGS.map((drawing) => `A photo of ${drawing}, sharp, centred, on a plain background`),
  system: 'You read imagined movements from recordings of the brain and name the part of the body.',
  question: 'Which part of the body does the person imagine moving?',
}

/** Vocabularies by name. */
export const textVocabularies: Readonly<Record<string, TextVocabulary>> = {
  'visual-imagery': visualImageryTexts,
  'motor-imagery': motorImageryTexts,
}

function article(word: string): string {
  return word === 'scissor' ? 'scissors' : `a ${word}`
}
