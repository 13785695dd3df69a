import { randomInt } from 'node:crypto';
import type { JsonObject } from '#standalone/json.js';
import { objectAt, textAt } from '#standalone/json.js';
import type { Caller, Reply } from '#test/cluster/caller.js';
import { type Kind, pathOf } from './kinds.js';
import type { Ledger } from './ledger.js';

/** What one object says, and of which write it is. */
interface State {
  readonly value: string;
  readonly status: string;
  readonly uid: string;
  readonly revision: string;
}

type Expected = Pick<State, 'value' | 'status'>;

interface Deed {
  readonly name: string;
  readonly method: string;
  readonly body?: object;
  readonly type?: string;
  readonly subresource?: string;
  /** What is there when it is done; undefined: nothing. */
  readonly makes: Expected | undefined;
}

const merge = 'application/merge-patch+json';
let values = 0;

/** The place of one object, written by one writer alone: so it is known what must be there, or which two things may. */
export class Slot {
  readonly kind: Kind;
  readonly #collection: string;
  readonly #namespace: string;
  readonly #name: string;
  readonly #ledger: Ledger;
  #now: State | undefined;
  /** Of a deed that was not answered: what may be there instead. */
  #maybe: { readonly makes: Expected | undefined; readonly by: string } | undefined;

  constructor(kind: Kind, namespace: string, name: string, ledger: Ledger) {
    this.kind = kind;
    this.#collection = pathOf(kind, namespace);
    this.#namespace = namespace;
    this.#name = name;
    this.#ledger = ledger;
  }

  /** As among all of its kind. */
  within(all: readonly JsonObject[]): JsonObject | undefined {
    return all.find((one) => {
      const { namespace, name } = objectAt(one, 'metadata');
      return namespace === this.#namespace && name === this.#name;
    });
  }

  get path(): string {
    return `${this.#collection}/${this.#name}`;
  }

  /** Rejects when it is not answered. */
  async write(caller: Caller): Promise<void> {
    const deed = this.#choose();
    const { name, method, body, type, subresource = '', makes } = deed;
    const before = this.#ledger.newest;
    this.#maybe = { makes, by: name };
    const path = name === 'create' ? this.#collection : `${this.path}${subresource}`;
    const reply = await caller.call(method, path, body, type);
    this.#maybe = undefined;
    this.#take(deed, reply, before);
  }

  #take({ name, makes }: Deed, { code, body }: Reply, before: number): void {
    if (code >= 300) {
      this.#ledger.trouble(`${name} ${this.path}: ${code} ${textAt(body, 'message')}`);
      return;
    }
    const made = makes === undefined ? undefined : this.#read(body);
    if (made !== undefined) this.#ledger.acknowledged(`${name} ${this.path}`, made.revision, before);
    else this.#ledger.writes += 1;
    if (made?.value !== makes?.value || made?.status !== makes?.status)
      this.#ledger.trouble(`${name} ${this.path}: answered ${JSON.stringify(made)}, not ${JSON.stringify(makes)}`);
    if (made !== undefined && this.#now !== undefined && made.uid !== this.#now.uid)
      this.#ledger.trouble(`${name} ${this.path}: another uid`);
    this.#now = made;
  }

  /** Reads what is there. */
  async readBack(caller: Caller): Promise<void> {
    const { code, body } = await caller.call('GET', this.path);
    this.check(code === 404 ? undefined : body, 'read back');
  }

  /** Whether that may be there; it is believed from then on. */
  check(object: JsonObject | undefined, when: string): void {
    const found = object === undefined ? undefined : this.#read(object);
    const isAsKnown = same(found, this.#now) && found?.uid === this.#now?.uid && found?.revision === this.#now?.revision;
    const isAsMaybe = this.#maybe !== undefined && same(found, this.#maybe.makes) && (found === undefined || this.#isNewer(found));
    if (!isAsKnown && !isAsMaybe) this.#ledger.trouble(`${when}, ${this.path}: ${this.#told(found)}`);
    this.#maybe = undefined;
    this.#now = found;
  }

  #isNewer({ uid, revision }: State): boolean {
    const known = this.#now;
    return known === undefined || (uid === known.uid && Number(revision) > Number(known.revision));
  }

  #told(found: State | undefined): string {
    const maybe = this.#maybe === undefined ? '' : `, or by ${this.#maybe.by} ${JSON.stringify(this.#maybe.makes)}`;
    return `${JSON.stringify(found)} is there; acknowledged was ${JSON.stringify(this.#now)}${maybe}`;
  }

  #choose(): Deed {
    values += 1;
    const value = `value-${values}`;
    const all = this.#now === undefined ? this.#beginnings(value) : this.#deeds(this.#now, value);
    return all[randomInt(all.length)] as Deed;
  }

  #beginnings(value: string): readonly Deed[] {
    const makes = { value, status: '' };
    return [{ name: 'create', method: 'POST', body: this.#object(value), makes }, this.#apply(value, makes)];
  }

  #deeds({ status, revision }: State, value: string): readonly Deed[] {
    const makes = { value, status };
    const { body } = this.kind;
    const [[field, content]] = Object.entries(body(value)) as [[string, JsonObject]];
    const replacements = Object.entries(content).map(([key, to]) => ({ op: 'replace', path: `/${field}/${key}`, value: to }));
    const said = { a: value, b: value };
    const inStatus: Deed = {
      name: 'patch of status',
      method: 'PATCH',
      subresource: '/status',
      body: { status: said },
      type: merge,
      makes: { ...this.#expected(), status: value },
    };
    return [
      { name: 'update', method: 'PUT', body: this.#object(value, revision), makes },
      { name: 'merge patch', method: 'PATCH', body: body(value), type: merge, makes },
      { name: 'JSON patch', method: 'PATCH', body: replacements, type: 'application/json-patch+json', makes },
      this.#apply(value, makes),
      { name: 'delete', method: 'DELETE', makes: undefined },
      ...(this.kind.hasStatus ? [inStatus, inStatus] : []),
    ];
  }

  #expected(): Expected {
    return { value: this.#now?.value ?? '', status: this.#now?.status ?? '' };
  }

  #apply(value: string, makes: Expected): Deed {
    const type = 'application/apply-patch+yaml';
    return { name: 'apply', method: 'PATCH', subresource: '?fieldManager=storm&force=true', body: this.#object(value), type, makes };
  }

  #object(value: string, resourceVersion?: string): object {
    const { apiVersion, kind, body } = this.kind;
    return {
      apiVersion,
      kind,
      metadata: { name: this.#name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      ...body(value),
    };
  }

  /** Half of a write is none. */
  #read(object: JsonObject): State {
    const [value, other] = this.kind.read(object);
    const { a, b } = objectAt(object, 'status');
    if (value !== other || a !== b) this.#ledger.trouble(`${this.path}: a half of a write is there: ${JSON.stringify(object)}`);
    const metadata = objectAt(object, 'metadata');
    return { value, status: `${a ?? ''}`, uid: textAt(metadata, 'uid'), revision: textAt(metadata, 'resourceVersion') };
  }
}

const same = (one: Expected | undefined, other: Expected | undefined): boolean =>
  one?.value === other?.value && one?.status === other?.status;
