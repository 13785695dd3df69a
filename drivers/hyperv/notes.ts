import type { Mark } from '#drivers/driver.js';
import { asciiJson, decodeOwner, markRecord, parseJson } from '#drivers/owner.js';

/** Hardware that a machine gets at its next start, where it differs: Hyper-V has but one definition, and a running machine lives by it. */
export interface Next {
  readonly cpuCount?: number;
  readonly memoryBytes?: number;
  readonly secureBoot?: boolean;
}

/** What we keep in a machine. */
export interface Kept {
  /** The machine's; it is found by this where its firmware lost it. */
  readonly uuid: string;
  readonly mark: Mark;
  readonly next: Next;
}

/** Our line among the notes; the others are people's. */
const begin = 'virtwright: ';

/** What we keep; undefined when there is nothing of ours that is whole. */
export function readKept(notes: readonly string[]): Kept | undefined {
  const line = notes.flatMap(linesOf).find((each) => each.startsWith(begin));
  const said = recordOf(parseJson(line?.slice(begin.length)));
  const owner = decodeOwner(said['owner']);
  const { uuid, record } = said;
  if (owner === undefined || typeof uuid !== 'string') return undefined;
  return { uuid, mark: { owner, record: typeof record === 'string' ? record : '' }, next: readNext(said['next']) };
}

/** The notes with what is kept, at the end of the first; all else in them stays. @throws DriverError Invalid for a record that is too long */
export function withKept(notes: readonly string[], { uuid, mark, next }: Kept): readonly string[] {
  const { cluster, namespace, name, uid } = mark.owner;
  const owner = { cluster, namespace, name, uid };
  const said = { uuid, owner, record: markRecord(mark.record), ...(Object.keys(next).length === 0 ? {} : { next }) };
  const [first = '', ...others] = notes.map(withoutOurs);
  return [`${first}${first === '' || first.endsWith('\n') ? '' : '\n'}${begin}${asciiJson(said)}`, ...others];
}

const linesOf = (text: string): readonly string[] => text.split(/\r?\n/);

/** Whatever follows our line was written by others, who do not know that it is one. */
const withoutOurs = (text: string): string => text.replace(/^virtwright: [^\r\n]*(\r?\n|$)/gm, '');

function readNext(value: unknown): Next {
  const { cpuCount, memoryBytes, secureBoot } = recordOf(value);
  return {
    ...(typeof cpuCount === 'number' && { cpuCount }),
    ...(typeof memoryBytes === 'number' && { memoryBytes }),
    ...(typeof secureBoot === 'boolean' && { secureBoot }),
  };
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
