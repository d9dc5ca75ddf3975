import { Template } from '@huggingface/jinja'
import { EegTorchError } from '../errors.ts'
import type { Role } from './special-tokens.ts'

/** One turn of a conversation; templates know `system`, `user` and `assistant`. */
export interface ChatMessage {
  role: string
  content: string
}

/**
 * Messages as one text, by a folder's chat template (Jinja).
 *
 * @param template undefined: the folder has none
 * @throws EegTorchError `INVALID_OPTION` without a template or for messages that it refuses, `FILE_INVALID` for a template that does not hold
 */
export function renderChat(
  template: string | undefined,
  messages: readonly ChatMessage[],
  generationPrompt: boolean,
  roles: Partial<Record<Role, string>>,
  folder: string,
): string {
  if (template === undefined) {
    throw new EegTorchError('INVALID_OPTION', 'this tokenizer has no chat template', {
      file: folder,
      expected: 'a chat_template in tokenizer_config.json',
    })
  }
  const compiled = compile(template, folder)
  try {
    return compiled.render({ ...roles, messages: [...messages], add_generation_prompt: generationPrompt })
  } catch (cause) {
    const received = (cause as Error).message
    throw new EegTorchError('INVALID_OPTION', 'the chat template refuses these messages', {
      option: 'messages',
      received,
      cause,
    })
  }
}

function compile(template: string, folder: string): Template {
  try {
    return new Template(template)
  } catch (cause) {
    throw new EegTorchError('FILE_INVALID', 'the chat template does not hold', {
      file: folder,
      expected: 'a Jinja template',
      received: (cause as Error).message,
      cause,
    })
  }
}
