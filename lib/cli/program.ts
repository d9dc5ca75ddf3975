import { Command, CommanderError } from 'commander'
import { EegTorchError } from '../errors.ts'
import { packageVersion } from '../setup/paths.ts'

/** A command as `main.ts` lists it. */
export interface CommandEntry {
  name: string
  summary: string
  load: () => Promise<CommandModule>
}

/** What the file of a command exports. */
export interface CommandModule {
  /** Adds arguments, options, examples and the action. An action ends normally, throws, or sets `process.exitCode`. */
  describe(command: Command): void
}

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled, 141 where nobody reads on (`| head`), as of programs that SIGPIPE ends. */
export const EXIT: { failed: 1; usage: 2; cancelled: 130; unread: 141 } = {
  failed: 1,
  usage: 2,
  cancelled: 130,
  unread: 141,
}

/**
 * Parses the words after `eegtorch` and runs the command they name.
 *
 * @returns the exit code
 */
export async function runCli(words: string[], entries: CommandEntry[]): Promise<number> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.unread)
    throw error
  })
  try {
    const program = await buildProgram(words, entries)
    await program.parseAsync(words, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return reportError(error, words.includes('--json'))
  }
}

async function buildProgram(words: string[], entries: CommandEntry[]): Promise<Command> {
  const program = configure(new Command('eegtorch'))
    .description('Decode brain recordings: read EEG, train networks, evaluate honestly.')
    .version(packageVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .enablePositionalOptions()
    .addHelpText('after', '\nExamples:\n  $ eegtorch doctor\n  $ eegtorch help setup')
  const named = words.filter((word) => !word.startsWith('-'))
  const wanted = named[0] === 'help' ? named[1] : named[0]
  for (const entry of entries) {
    const command = configure(program.command(entry.name))
      .description(entry.summary)
      .helpOption('-h, --help', 'print help')
    if (entry.name === wanted) (await entry.load()).describe(command)
  }
  if (words.length === 0) program.help()
  return program
}

/** Errors are thrown to {@link runCli} and printed in our form. */
function configure(command: Command): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({ outputError: (text, write) => write(rewordError(text)) })
}

/** `error: unknown option --chanels. Did you mean --channels?` instead of two lines with quotes and brackets. */
function rewordError(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n')
  const plain = first.replaceAll(/'(-{1,2}[^' ]+)[^']*'/g, '$1').replaceAll(/'([^']*)'/g, '$1')
  const suggestion = rest.join(' ').match(/^\((Did you mean .*\?)\)$/)?.[1]
  return suggestion === undefined ? `${[plain, ...rest].join('\n')}\n` : `${plain}. ${suggestion}\n`
}

function reportError(error: unknown, asJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage
  const { name, code, message, stack } = error as EegTorchError
  const isOurs = error instanceof EegTorchError
  if (asJson) process.stdout.write(`${JSON.stringify({ error: { code: isOurs ? code : 'INTERNAL', message } })}\n`)
  else if (process.env.EEGTORCH_DEBUG) console.error(stack, ...causeOf(error))
  else if (isOurs) console.error(`${name}: ${message}`)
  else console.error(`error: ${message} (this is a defect in eegtorch; EEGTORCH_DEBUG=1 shows where)`)
  return isOurs && code === 'CANCELLED' ? EXIT.cancelled : EXIT.failed
}

function causeOf(error: unknown): unknown[] {
  const { cause } = error as Error
  return cause === undefined ? [] : ['\ncause:', cause]
}
