import { resultsOf } from '#test/contract/shown/results.js';
import type { Results } from '#test/contract/shown/shown.js';
import type { Proof } from './proofs.js';

/** What was shown of a kind of host: in runs of the contract, and by tests that are named for what it shows nothing of. */
export interface Evidence {
  field(field: string): boolean;
  /** Which of a field's words. */
  words(field: string): ReadonlySet<string>;
  live(field: string): boolean;
  verb(verb: string): boolean;
  /** Any of its verbs. */
  facet(facet: string): boolean;
}

/** Where evidence of a kind of host is. */
export interface Sources {
  /** Subjects of the contract. */
  readonly subjects?: readonly string[];
  /** The same for what does not depend on the kind of machine: pools, volumes, networks, and what the host tells. */
  readonly sameHost?: readonly string[];
  /** By field, by a word of one as `volumes.format Directory`, or by verb. */
  readonly tests?: Readonly<Record<string, Proof>>;
}

export function evidenceOf({ subjects = [], sameHost = [], tests = {} }: Sources): Evidence {
  const own = subjects.flatMap((subject) => resultsOf(subject) ?? []);
  const host = sameHost.flatMap((subject) => resultsOf(subject) ?? []).map(ofTheHost);
  const all = [...own, ...host];
  const words = (field: string) => all.flatMap(({ fields }) => fields[field] ?? []);
  return {
    field: (field) => tests[field] !== undefined || all.some(({ fields }) => fields[field] !== undefined),
    words: (field) => new Set([...words(field), ...Object.keys(tests).flatMap((key) => wordOf(key, field) ?? [])]),
    live: (field) => all.some(({ live }) => live.includes(field)),
    verb: (verb) => tests[verb] !== undefined || all.some(({ verbs }) => verbs.includes(verb)),
    facet: (facet) => all.some(({ verbs }) => verbs.some((verb) => verb.startsWith(`${facet}.`))),
  };
}

const wordOf = (key: string, field: string): string | undefined => (key.startsWith(`${field} `) ? key.slice(field.length + 1) : undefined);

const ofHosts: ReadonlySet<string> = new Set(['host', 'pools', 'volumes', 'networks', 'events']);
const isOfHost = (field: string): boolean => ofHosts.has(field.split('.')[0] ?? '') && field !== 'volumes.growAttached';

const ofTheHost = ({ fields, verbs, ...rest }: Results): Results => ({
  ...rest,
  live: [],
  fields: Object.fromEntries(Object.entries(fields).filter(([field]) => isOfHost(field))),
  verbs: verbs.filter(isOfHost),
});
