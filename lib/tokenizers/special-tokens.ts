import { join } from 'node:path'
import { findJsonObject } from '../checkpoints/json-file.ts'
import { EegTorchError } from '../errors.ts'
import { isObject } from '../is-object.ts'
import { MAX_FILE_BYTES, MAX_ID } from './byte-pairs.ts'
import type { TokenizerFile } from './tokenizer-file.ts'

const ROLES = ['bos_token', 'eos_token', 'unk_token', 'pad_token'] as const
/** What a special token is for. */
export type Role = (typeof ROLES)[number]

/** A token that is found in the text before anything is split. */
export interface AddedToken {
  content: string
  id: number
  special: boolean
  /** Whether it is sought in the normalised text, not in the text as written. */
  normalized: boolean
  single_word: boolean
  lstrip: boolean
  rstrip: boolean
}
type Unplaced = Omit<AddedToken, 'id'>

export interface SpecialTokens {
  /** Content of the tokens that have a role. */
  roles: Partial<Record<Role, string>>
  added: AddedToken[]
}

/**
 * Special and added tokens of a folder, as transformers 5 gathers them: those of `tokenizer_config.json`; where it does not list
 * `added_tokens_decoder`, the roles of `special_tokens_map.json` go before, and the added tokens of `tokenizer.json` count.
 *
 * @param config content of `tokenizer_config.json`
 * @param definition what `tokenizer.json` says, if there is one
 * @param vocab ids of the tokens
 * @param usual roles that the class fills where no file does
 * @param said roles that go before what the files say
 * @throws EegTorchError `FILE_INVALID`
 */
export async function readSpecialTokens(
  folder: string,
  config: Record<string, unknown>,
  definition: TokenizerFile | undefined,
  vocab: ReadonlyMap<string, number>,
  usual: SpecialTokens['roles'],
  said: SpecialTokens['roles'] = {},
): Promise<SpecialTokens> {
  const listed = isObject(config.added_tokens_decoder)
  const map = listed ? {} : ((await findJsonObject(join(folder, 'special_tokens_map.json'), MAX_FILE_BYTES)) ?? {})
  const added = listed
    ? fromDecoder(config.added_tokens_decoder as Record<string, unknown>, join(folder, 'tokenizer_config.json'))
    : fromDefinition(definition)
  const byContent = new Map(added.map((token) => [token.content, token]))
  const roles: SpecialTokens['roles'] = {}
  for (const role of ROLES) {
    const given = said[role] ?? map[role] ?? config[role] ?? usual[role]
    if (given === undefined || given === null) continue
    const token = unplaced(given, folder, role, true)
    roles[role] = token.content
    const known = added.find(({ content }) => content === token.content)
    const id = known?.id ?? vocab.get(token.content)
    if (id === undefined) throw invalid(folder, `a ${role} of the vocabulary`, JSON.stringify(token.content))
    byContent.set(token.content, { ...(known ?? token), id, special: true })
  }
  return { roles, added: [...byContent.values()].sort((a, b) => a.id - b.id) }
}

function fromDecoder(list: Record<string, unknown>, file: string): AddedToken[] {
  return Object.entries(list).map(([id, value]) => placed(value, id, file))
}

function fromDefinition(definition: TokenizerFile | undefined): AddedToken[] {
  if (definition === undefined) return []
  const { path, addedTokens = [] } = definition
  if (!Array.isArray(addedTokens)) throw invalid(path, 'a list of added_tokens', typeof addedTokens)
  return addedTokens.map((value: unknown) => placed(value, isObject(value) ? value.id : undefined, path))
}

function placed(value: unknown, id: unknown, file: string): AddedToken {
  const index = typeof id === 'string' ? Number(id) : id
  if (!Number.isInteger(index) || (index as number) < 0 || (index as number) > MAX_ID) {
    throw invalid(file, `an id from 0 to ${MAX_ID}`, `${JSON.stringify(id)} for an added token`)
  }
  return { ...unplaced(value, file, 'added_tokens', false), id: index as number }
}

/** A token as files write it: its text alone, or an object. */
function unplaced(value: unknown, file: string, where: string, special: boolean): Unplaced {
  const said = typeof value === 'string' ? { content: value, normalized: !special } : value
  if (!isObject(said) || typeof said.content !== 'string' || said.content === '') {
    throw invalid(file, `a token in ${where}`, JSON.stringify(value))
  }
  const flag = (name: string, usual: boolean): boolean => (typeof said[name] === 'boolean' ? said[name] : usual)
  return {
    content: said.content,
    special: special || flag('special', false),
    normalized: flag('normalized', !flag('special', special)),
    single_word: flag('single_word', false),
    lstrip: flag('lstrip', false),
    rstrip: flag('rstrip', false),
  }
}

function invalid(file: string, expected: string, received: string): EegTorchError {
  return new EegTorchError('FILE_INVALID', "the tokenizer's special tokens do not hold", { file, expected, received })
}
