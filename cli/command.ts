import type { FlagTable, Values } from './flags.js';

/** The process's own, or a test's. */
export interface Io {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Which every command has, unless it gives one of them a meaning of its own. */
export const commonFlags = {
  namespace: { kind: 'text', short: 'n', value: 'NAMESPACE', help: "the namespace; default: that of the kubeconfig's context" },
  context: { kind: 'text', value: 'NAME', help: "the kubeconfig's context; default: its current one" },
  kubeconfig: { kind: 'text', value: 'FILE', help: "default: $KUBECONFIG, ~/.kube/config, or the pod's own" },
  help: { kind: 'switch', short: 'h', help: 'what this command does, with examples' },
} as const satisfies FlagTable;

export type CommonFlags = typeof commonFlags;

export interface Invocation<F extends FlagTable> {
  readonly flags: Values<Omit<CommonFlags, keyof F> & F>;
  readonly args: readonly string[];
  readonly io: Io;
  /** As it was called: `virtwright`, or `kubectl virtwright`. */
  readonly program: string;
}

/** `line` without the program's name. */
export interface Example {
  readonly line: string;
  readonly what: string;
}

export const groups = {
  objects: 'Objects',
  machines: 'Machines',
  operator: 'The operator',
  program: 'This program',
} as const;

export interface CommandOf<F extends FlagTable> {
  readonly name: string;
  readonly group: keyof typeof groups;
  /** One line, lower case, without a full stop. */
  readonly summary: string;
  /** What follows the name, one form a line: `KIND [NAME...]`. */
  readonly usage: readonly string[];
  /** Paragraphs. */
  readonly description?: readonly string[];
  readonly flags: F;
  readonly examples: readonly Example[];
  /** All that it is told it is told by flags. */
  readonly wordless?: boolean;
  /** Takes what follows as it is, flags and all. */
  readonly literal?: boolean;
  /** Runs until it is told to stop, and has then done as told. */
  readonly daemon?: boolean;
  /** What its words name, for completion: a kind and then names of it, or names of a kind each. */
  readonly words?: 'objects' | readonly string[];
  /** With this its exit code 2 is an answer, and a Complaint ends it with 1. */
  readonly meansBy2?: 'SomethingToDo';
  /** Not listed. */
  readonly hidden?: boolean;
  /**
   * Gives the exit code. A Complaint ends the program with 2, whatever else is thrown with 1; what is thrown after the
   * signal with 130, for who was interrupted.
   */
  run(invocation: Invocation<F>, signal: AbortSignal): Promise<number>;
}

export type Command = CommandOf<FlagTable>;

/** So that `run` knows the types of its own flags. */
export function command<const F extends FlagTable>(definition: CommandOf<F>): Command {
  return definition as unknown as Command;
}

/** All that a command accepts. */
export const flagsOf = ({ flags }: Command): FlagTable => ({ ...commonFlags, ...flags });
