import type { CimClass } from '../cim/class.js';
import { same } from '../cim/object.js';
import type { Condition, Query, Term } from './parse.js';

/** What every object has beside its properties. */
const system = ['__CLASS', '__PATH', '__SERVER', '__NAMESPACE', '__RELPATH', '__DERIVATION', '__SUPERCLASS', '__GENUS'];

/** The first of the names in a query that the class has no property of. */
export function unknownName(query: Extract<Query, { kind: 'select' }>, { properties }: CimClass): string | undefined {
  const isKnown = (name: string) => system.includes(name.toUpperCase()) || properties.some((each) => same(each.name, name));
  return [...(query.columns ?? []), ...namesIn(query.where)].find((name) => !isKnown(name));
}

function namesIn(condition: Condition): readonly string[] {
  if (condition.kind === 'always') return [];
  if (condition.kind === 'and' || condition.kind === 'or') return condition.all.flatMap(namesIn);
  if (condition.kind === 'not') return namesIn(condition.of);
  return (condition.kind === 'isNull' ? [condition.of] : [condition.left, condition.right]).flatMap(nameOf);
}

const nameOf = (term: Term): readonly string[] => (term.kind === 'property' ? [term.name] : []);
