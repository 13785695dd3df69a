import { ApiError } from '#controllers/kubernetes/client.js';
import { type Command, commonFlags, flagsOf, type Io } from './command.js';
import { Complaint, Failure } from './complaint.js';
import { leadingFlags, type Parsed, parseFlags } from './flags.js';
import { commandHelp, programHelp } from './help.js';
import { suggestion } from './nearest.js';
import { whyNot } from './trouble.js';

export interface Program {
  /** As it was called: `virtwright`, or `kubectl virtwright`. */
  readonly name: string;
  readonly commands: readonly Command[];
  readonly io: Io;
}

const interrupted = 130;

/** The exit code, when all is said. Never rejects. */
export async function runProgram(program: Program, argv: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    return await dispatch(program, argv, signal);
  } catch (reason) {
    program.io.stderr.write(`${program.name}: ${said(reason)}\n`);
    return reason instanceof Complaint ? 2 : 1;
  }
}

async function dispatch(program: Program, argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { name, io } = program;
  const leading = leadingFlags(argv, commonFlags);
  const [word, ...rest] = argv.slice(leading.length);
  if (word === undefined || word === 'help')
    return help(
      program,
      rest.find((one) => !one.startsWith('-')),
    );
  const command = find(program, word);
  const asked = [...leading, ...rest];
  if (command.literal === true) return command.run({ flags: parse(command, []).values as never, args: rest, io, program: name }, signal);
  if (asksForHelp(asked)) return help(program, word);
  try {
    const { values, args } = parse(command, asked);
    return await command.run({ flags: values as never, args, io, program: name }, signal);
  } catch (reason) {
    if (reason instanceof Complaint) {
      const text = `${reason.message}\nsee ${name} ${command.name} --help`;
      throw command.meansBy2 === undefined ? new Complaint(text) : new Failure(text);
    }
    if (!signal.aborted) throw reason;
    // Who was told to stop while it was starting has done as told.
    return command.daemon === true ? 0 : interrupted;
  }
}

function parse(command: Command, argv: readonly string[]): Parsed {
  const parsed = parseFlags(argv, flagsOf(command));
  const [word] = parsed.args;
  if (command.wordless === true && word !== undefined) throw new Complaint(`"${word}" given, accepted are flags alone`);
  return parsed;
}

const asksForHelp = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h');
};

function help(program: Program, word: string | undefined): number {
  const text = word === undefined ? programHelp(program.name, program.commands) : commandHelp(program.name, find(program, word));
  program.io.stdout.write(text);
  return 0;
}

function find({ name, commands }: Program, word: string): Command {
  const found = commands.find((one) => one.name === word);
  if (found !== undefined) return found;
  const names = commands.filter(({ hidden }) => hidden !== true).map((one) => one.name);
  throw new Complaint(`there is no command "${word}"${suggestion(word, names)} ${name} --help lists them`);
}

/** What people expect goes without a stack; what nobody did goes with it. */
function said(reason: unknown): string {
  if (reason instanceof ApiError) return whyNot(reason);
  if (reason instanceof Complaint || reason instanceof Failure) return reason.message;
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
}
