import type { XmlElement } from '#drivers/xml/tree.js';
import { toDriverError } from './driver-error.js';
import { readLocalizedFault } from './fault.js';
import { continueRetrievePropertiesEx, type FilterSpec, type ObjectContent, type ObjectSpec, retrievePropertiesEx } from './operations.js';
import type { Session } from './session.js';
import { arrayOf, optional, type Ref, ref, type Type } from './types.js';

/** What was read of one object, by path. */
export class Properties {
  readonly ref: Ref;
  readonly #values: ReadonlyMap<string, XmlElement>;

  constructor({ obj, propSet }: Pick<ObjectContent, 'obj' | 'propSet'>) {
    this.ref = obj;
    this.#values = new Map(propSet.flatMap(({ name, val }) => (val === undefined ? [] : [[name, val] as const])));
  }

  element(path: string): XmlElement | undefined {
    return this.#values.get(path);
  }

  /** Undefined when the host has nothing there. */
  get<T>(path: string, type: Type<T>): T | undefined {
    const value = this.element(path);
    return optional(type).read(value === undefined ? [] : [value], `${this.ref.type} ${this.ref.value}: ${path}`);
  }

  /** An empty list when the host has nothing there. */
  refs(path: string): readonly Ref[] {
    return this.get(path, arrayOf(ref)) ?? [];
  }
}

export interface Query {
  readonly type: string;
  readonly paths: readonly string[];
  readonly from: readonly ObjectSpec[];
  /** How many come at a time. */
  readonly pageSize?: number;
}

const usualPageSize = 100;
/** Of what is large, such as all devices of a machine: reading a page of a hundred would hold up everything else for half a second. */
export const smallPage = 20;

/** Objects by themselves, without going anywhere. */
export function these(refs: readonly Ref[]): readonly ObjectSpec[] {
  return refs.map((obj) => ({ obj, selectSet: [] }));
}

interface Step {
  readonly type: string;
  readonly path: string;
}

/** What stands at the end of one step from an object, or of two. Nothing is kept by the host for it, as for a view, that could be lost. */
export function along(obj: Ref, step: Step, last?: Step): readonly ObjectSpec[] {
  const selectSet = last === undefined ? [] : [{ ...last, skip: false }];
  return [{ obj, skip: true, selectSet: [{ ...step, skip: last !== undefined, selectSet }] }];
}

export function filterOf({ type, paths, from }: Query): FilterSpec {
  return { propSet: [{ type, pathSet: paths }], objectSet: from, reportMissingObjectsInResults: true };
}

/** However many there are, page by page. What is gone meanwhile is left out. Denied when something may not be seen. */
export async function retrieve(session: Session, query: Query, signal: AbortSignal): Promise<readonly Properties[]> {
  if (query.from.length === 0) return [];
  const age = session.age;
  try {
    const found = await pages(session, query, signal);
    // Nothing may mean that the host has forgotten us.
    if (found.length > 0 || !(await session.verify(signal))) return seen(found);
  } catch (reason) {
    // The pages of one session are not those of the next.
    if (session.age === age) throw reason;
  }
  return seen(await pages(session, query, signal));
}

async function pages(session: Session, query: Query, signal: AbortSignal): Promise<readonly ObjectContent[]> {
  const { propertyCollector } = session.content;
  const asked = { specSet: [filterOf(query)], options: { maxObjects: query.pageSize ?? usualPageSize } };
  let page = await session.ask(retrievePropertiesEx, propertyCollector, asked, signal);
  const found = [...(page?.objects ?? [])];
  while (page?.token !== undefined) {
    page = await session.ask(continueRetrievePropertiesEx, propertyCollector, { token: page.token }, signal, { ofSession: true });
    found.push(...page.objects);
  }
  return found;
}

/** A property that the host cannot tell just now is as one that it has not. */
function seen(found: readonly ObjectContent[]): readonly Properties[] {
  return found.flatMap((object) => {
    const faults = object.missingSet.map(({ fault }) => readLocalizedFault(fault));
    const denied = faults.find(({ type }) => type === 'NoPermission');
    if (denied !== undefined) throw toDriverError(denied);
    return faults.some(({ type }) => type === 'ManagedObjectNotFound') ? [] : [new Properties(object)];
  });
}

export async function retrieveOne(
  session: Session,
  obj: Ref,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Properties | undefined> {
  return (await retrieveAll(session, [obj], paths, signal))[0];
}

/** Of objects of one type. */
export function retrieveAll(
  session: Session,
  refs: readonly Ref[],
  paths: readonly string[],
  signal: AbortSignal,
  pageSize = usualPageSize,
): Promise<readonly Properties[]> {
  return retrieve(session, { type: refs[0]?.type ?? '', paths, from: these(refs), pageSize }, signal);
}
