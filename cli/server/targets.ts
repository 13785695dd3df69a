import { Complaint } from '../complaint.js';
import type { Discovery, Served } from './discovery.js';

/** What the words behind a command mean: all objects of a kind, or one. */
export interface Target {
  readonly resource: Served;
  readonly name?: string;
}

/** `vm`, `vm,vol`, `vm web db`, `vm/web vol/root`. Throws a Complaint for anything else. */
export function parseTargets(words: readonly string[], discovery: Discovery): readonly Target[] {
  const [first, ...names] = words;
  if (first === undefined) throw new Complaint('name a kind, as vm; or one object, as vm/web');
  if (words.some((word) => word.includes('/'))) return words.map((word) => parsePair(word, discovery));
  const resources = discovery.findMany(first);
  if (names.length === 0) return resources.map((resource) => ({ resource }));
  return resources.flatMap((resource) => names.map((name) => ({ resource, name: checked(name, first) })));
}

function parsePair(word: string, discovery: Discovery): Target {
  const [kind = '', name = '', ...rest] = word.split('/');
  if (kind === '' || name === '' || rest.length > 0)
    throw new Complaint(`"${word}" given where all are to be KIND/NAME; accepted is vm/web vol/root, or vm web db`);
  return { resource: discovery.find(kind), name };
}

function checked(name: string, kind: string): string {
  if (name !== '' && !name.includes(',')) return name;
  throw new Complaint(`"${name}" given as the name of an object; accepted is ${kind} NAME NAME, with blanks between them`);
}

/** `virtualmachine.virtwright.io/web`, as kubectl writes it. */
export const called = ({ singular, plural, group }: Served, name: string): string =>
  `${[singular || plural, group].filter((part) => part !== '').join('.')}/${name}`;
