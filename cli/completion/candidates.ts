import { type Client, createClient } from '#controllers/kubernetes/client.js';
import { type Command, commonFlags, flagsOf } from '../command.js';
import { connectionFor } from '../connect.js';
import { type Flag, type FlagTable, leadingFlags, parseFlags } from '../flags.js';
import { discover } from '../server/discovery.js';

/** What may stand where the cursor is. `files`: a file's name, which the shell knows better. */
export type Candidates = readonly Candidate[] | 'files';

export interface Candidate {
  readonly word: string;
  readonly help?: string;
}

/** `words` are those behind the program's name; the last one is being typed, and may be empty. Rejects when the server is not reached. */
export async function candidatesFor(commands: readonly Command[], words: readonly string[], signal: AbortSignal): Promise<Candidates> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const found = await possible(commands, before, current, signal);
  return found === 'files' ? found : found.filter(({ word }) => word.startsWith(current));
}

async function possible(
  commands: readonly Command[],
  before: readonly string[],
  current: string,
  signal: AbortSignal,
): Promise<Candidates> {
  const leading = lenient(() => leadingFlags(before, commonFlags), []);
  const [name, ...rest] = before.slice(leading.length);
  const command = commands.find((one) => one.name === name);
  const flags: FlagTable = command === undefined ? commonFlags : flagsOf(command);
  const awaiting = flagAwaiting([...leading, ...rest].at(-1), flags);
  if (awaiting !== undefined) return valuesOf(awaiting, before, flags, signal);
  const [, attached] = /^--([^=]+)=/.exec(current) ?? [];
  if (attached !== undefined) return prefixed(`--${attached}=`, await valuesOf([attached, flags[attached]], before, flags, signal));
  if (current.startsWith('-')) return Object.entries(flags).map(([flag, { help }]) => ({ word: `--${flag}`, help }));
  if (name === undefined) return listed(commands);
  if (name === 'help') return rest.length === 0 ? listed(commands) : [];
  return command === undefined ? [] : wordsOf(command, rest, current, signal);
}

const listed = (commands: readonly Command[]): readonly Candidate[] =>
  commands.filter(({ hidden }) => hidden !== true).map(({ name, summary }) => ({ word: name, help: summary }));

/** What is typed is seldom finished. */
function lenient<R>(work: () => R, otherwise: R): R {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

type NamedFlag = readonly [string, Flag | undefined];

/** The flag whose value is still to come. */
function flagAwaiting(last: string | undefined, flags: FlagTable): NamedFlag | undefined {
  if (last === undefined) return undefined;
  const found = Object.entries(flags).find(([name, { short }]) => last === `--${name}` || (short !== undefined && last === `-${short}`));
  return found === undefined || found[1].kind === 'switch' ? undefined : found;
}

async function valuesOf([name, flag]: NamedFlag, before: readonly string[], flags: FlagTable, signal: AbortSignal): Promise<Candidates> {
  if (flag?.kind === 'text' && flag.accepted !== undefined) return flag.accepted.map((word) => ({ word }));
  if (name === 'filename' || name === 'kubeconfig' || name === 'data') return 'files';
  if (name === 'output') return ['table', 'wide', 'json', 'yaml', 'name', 'jsonpath='].map((word) => ({ word }));
  if (name === 'for') return ['condition=Ready', 'condition=AddressKnown', 'delete', 'create', 'jsonpath='].map((word) => ({ word }));
  if (name === 'namespace') return withClient(before, flags, (client) => namesOf(client, 'namespaces', signal));
  if (name === 'hypervisor') return withClient(before, flags, (client) => namesOf(client, 'hypervisors', signal));
  return [];
}

const prefixed = (prefix: string, found: Candidates): Candidates =>
  found === 'files' ? found : found.map(({ word, ...rest }) => ({ ...rest, word: `${prefix}${word}` }));

async function wordsOf(command: Command, rest: readonly string[], current: string, signal: AbortSignal): Promise<Candidates> {
  const flags = flagsOf(command);
  const { args } = lenient(() => parseFlags(rest, flags), { values: {}, args: [] });
  const kinds = command.words;
  if (kinds === undefined) return [];
  return withClient(rest, flags, async (client) => {
    if (kinds !== 'objects') return kinds.length === 0 ? [] : namesOf(client, kinds[Math.min(args.length, kinds.length - 1)] ?? '', signal);
    const slash = current.indexOf('/');
    if (slash > 0) return prefixed(current.slice(0, slash + 1), await namesOf(client, current.slice(0, slash), signal));
    const [kind] = args;
    return kind === undefined || kind.includes('/') ? kindsOf(client, signal) : namesOf(client, kind.split(',').at(-1) ?? '', signal);
  });
}

async function kindsOf(client: Client, signal: AbortSignal): Promise<readonly Candidate[]> {
  const { kinds } = await discover(client, signal);
  return kinds.map(({ plural, kind, group }) => ({ word: plural, help: group === '' ? kind : `${kind} (${group})` }));
}

async function namesOf(client: Client, kind: string, signal: AbortSignal): Promise<readonly Candidate[]> {
  const resource = (await discover(client, signal)).find(kind);
  const { items } = await client.list(resource, resource.namespaced ? { namespace: client.namespace } : {}, signal);
  return items.map(({ metadata }) => ({ word: metadata.name }));
}

async function withClient<R>(words: readonly string[], flags: FlagTable, work: (client: Client) => Promise<R>): Promise<R> {
  const { values } = lenient(
    () =>
      parseFlags(
        words.filter((word) => word !== ''),
        flags,
      ),
    { values: {}, args: [] },
  );
  const given = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  const asked = { kubeconfig: given('kubeconfig'), context: given('context'), namespace: given('namespace') };
  await using client = createClient(await connectionFor(asked), { timeoutMs: 3_000, tries: 1 });
  return await work(client);
}
