import { Complaint } from './complaint.js';
import { suggestion } from './nearest.js';

interface Described {
  readonly help: string;
  /** One letter. */
  readonly short?: string;
}

/** A flag with a value, once; once or oftener; or without one. */
export type Flag =
  | (Described & { readonly kind: 'text'; readonly value: string; readonly accepted?: readonly string[]; readonly default?: string })
  | (Described & { readonly kind: 'texts'; readonly value: string })
  | (Described & { readonly kind: 'switch'; readonly default?: boolean });

export type FlagTable = Readonly<Record<string, Flag>>;

type Text<F> = F extends { readonly accepted: readonly (infer A)[] } ? A : string;
type Value<F> = F extends { readonly kind: 'switch' }
  ? boolean
  : F extends { readonly kind: 'texts' }
    ? readonly string[]
    : F extends { readonly default: string }
      ? Text<F>
      : Text<F> | undefined;

/** What was given, or its default. */
export type Values<F extends FlagTable> = { readonly [N in keyof F]: Value<F[N]> };

export interface Parsed {
  readonly values: Values<FlagTable>;
  readonly args: readonly string[];
}

type Given = Map<string, string[]>;

/** Throws a Complaint that names what was given and what would be accepted. */
export function parseFlags(argv: readonly string[], table: FlagTable): Parsed {
  const given: Given = new Map();
  const args: string[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') args.push(...words.splice(0));
    else if (word.startsWith('--')) takeLong(word.slice(2), words, table, given);
    else if (word.startsWith('-') && word !== '-') takeShort(word.slice(1), words, table, given);
    else args.push(word);
  }
  return { values: valuesOf(table, given), args };
}

/** The leading words that are flags, with their values: those before the name of a command. */
export function leadingFlags(argv: readonly string[], table: FlagTable): readonly string[] {
  let length = 0;
  for (let word = argv[length]; word?.startsWith('-') && word !== '-' && word !== '--'; word = argv[length]) {
    const rest = argv.slice(length + 1);
    const before = rest.length;
    const given: Given = new Map();
    if (word.startsWith('--')) takeLong(word.slice(2), rest, table, given);
    else takeShort(word.slice(1), rest, table, given);
    length += 1 + before - rest.length;
  }
  return argv.slice(0, length);
}

function takeLong(text: string, words: string[], table: FlagTable, given: Given): void {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const flag = Object.hasOwn(table, name) ? table[name] : undefined;
  if (flag === undefined) throw new Complaint(`there is no flag --${name}${suggestion(name, Object.keys(table), '--')}`);
  note(given, name, flag, equals < 0 ? undefined : text.slice(equals + 1), words);
}

/** `-Aw`, `-n shop`, `-nshop`, `-n=shop`. */
function takeShort(letters: string, words: string[], table: FlagTable, given: Given): void {
  const letter = letters.slice(0, 1);
  const [name, flag] = Object.entries(table).find(([, { short }]) => short === letter) ?? [];
  if (name === undefined || flag === undefined)
    throw new Complaint(`there is no flag -${letter}${Object.hasOwn(table, letters) ? `; did you mean "--${letters}"?` : ''}`);
  const rest = letters.slice(1);
  const bundled = flag.kind === 'switch' && !rest.startsWith('=');
  note(given, name, flag, bundled || rest === '' ? undefined : rest.replace(/^=/, ''), words);
  if (bundled && rest !== '') takeShort(rest, words, table, given);
}

function note(given: Given, name: string, flag: Flag, attached: string | undefined, words: string[]): void {
  const value = flag.kind === 'switch' ? switched(name, attached) : (attached ?? words.shift());
  if (value === undefined) throw new Complaint(`--${name} needs a value: --${name} ${placeholder(flag)}`);
  if (flag.kind === 'text' && flag.accepted !== undefined && !flag.accepted.includes(value))
    throw new Complaint(`--${name}: "${value}" given, accepted: ${flag.accepted.join(', ')}${suggestion(value, flag.accepted)}`);
  given.set(name, [...(given.get(name) ?? []), value]);
}

function switched(name: string, attached = 'true'): string {
  if (attached === 'true' || attached === 'false') return attached;
  throw new Complaint(`--${name}: "${attached}" given, accepted: true, false; or --${name} alone`);
}

/** What stands for the value in help and messages. */
export const placeholder = (flag: Flag): string =>
  flag.kind === 'switch' ? '' : flag.kind === 'text' && flag.accepted ? flag.accepted.join('|') : flag.value;

function valuesOf(table: FlagTable, given: Given): Values<FlagTable> {
  return Object.fromEntries(Object.entries(table).map(([name, flag]) => [name, valueIn(flag, given.get(name) ?? [])]));
}

/** Of a flag that is given twice the last one counts. */
function valueIn(flag: Flag, values: readonly string[]): string | boolean | readonly string[] | undefined {
  if (flag.kind === 'texts') return values;
  const last = values.at(-1);
  if (flag.kind === 'text') return last ?? flag.default;
  return last === undefined ? (flag.default ?? false) : last === 'true';
}
