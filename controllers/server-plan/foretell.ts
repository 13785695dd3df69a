import type { Hypervisor } from '#crds/types.js';
import { type Answer, foreseenKinds } from '../foresight/answer.js';
import { joined, type Outcome, type Told } from '../foresight/outcome.js';
import { type KubernetesObject, keyOf } from '../kubernetes/resource.js';
import { type Asking, type Manifest, NotAsked } from './asking.js';
import { boundTo, hostsOf, isFor, namedBy } from './hosts.js';

export interface Foretelling extends Asking {
  /** The operator's own: who may make sessions there plans pools as well, which belong to no namespace. */
  readonly operatorNamespace: string;
  /** Told of what the plan leaves out. */
  readonly onNote: (note: string) => void;
}

/** Of pools and networks that are on all hosts alike, so many show what the others do. */
const mostHosts = 16;

/** What an apply to a server would do: to the objects, by its own dry run; and on the hosts, by the agents that have them. */
export async function foretell(manifests: readonly Manifest[], telling: Foretelling, signal: AbortSignal): Promise<Outcome> {
  const namespaces = new Set(manifests.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name));
  const outcomes: Outcome[] = [];
  const objects: KubernetesObject[] = [];
  for (const manifest of manifests) {
    const would = await telling.dryRun(manifest, namespaces, signal);
    if (would.kind === 'refused') outcomes.push({ ...nothing, troubles: [would.trouble] });
    else outcomes.push({ ...nothing, steps: would.steps });
    if (would.kind === 'object' && isForeseen(would.object)) objects.push(would.object);
  }
  const known = objects.length === 0 ? [] : await hostsOf(telling.client, signal);
  if (objects.every(isHost)) return joined(outcomes);
  for (const { namespace, objects: those } of scopesOf(objects, telling.operatorNamespace))
    outcomes.push(...(await inScope(namespace, those, known, telling, signal)));
  return joined(outcomes);
}

const nothing: Outcome = { steps: [], waits: [], troubles: [], calls: [] };

const isForeseen = ({ kind, apiVersion }: KubernetesObject): boolean =>
  apiVersion.startsWith('virtwright.io/') && foreseenKinds.some((one) => one.kind === kind);

const isHost = ({ kind }: KubernetesObject): boolean => kind === 'Hypervisor';

interface Scope {
  readonly namespace: string;
  readonly objects: readonly KubernetesObject[];
}

/** A session speaks of one namespace; in the operator's own, of all. */
function scopesOf(objects: readonly KubernetesObject[], operatorNamespace: string): readonly Scope[] {
  const [first] = objects;
  if (first === undefined) return [];
  if (objects.some(({ metadata }) => metadata.namespace === undefined)) return [{ namespace: operatorNamespace, objects }];
  return byNamespace(objects);
}

function byNamespace(objects: readonly KubernetesObject[]): readonly Scope[] {
  const spaces = [...new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []))];
  return spaces.map((namespace) => ({ namespace, objects: objects.filter(({ metadata }) => metadata.namespace === namespace) }));
}

async function inScope(
  namespace: string,
  objects: readonly KubernetesObject[],
  known: readonly Hypervisor[] | undefined,
  telling: Foretelling,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  try {
    return await new Inquiry(namespace, objects, known, telling).run(signal);
  } catch (reason) {
    const namespaced = objects.filter(({ metadata }) => metadata.namespace !== undefined);
    if (!isForbidden(reason) || namespaced.length === objects.length) throw reason;
    telling.onNote(
      `what hosts make of StoragePools, and of changes to Hypervisors, is not known: you may not make Sessions in namespace "${namespace}"`,
    );
    const outcomes = await Promise.all(
      byNamespace(namespaced).map((scope) => inScope(scope.namespace, scope.objects, known, telling, signal)),
    );
    return outcomes.flat();
  }
}

const isForbidden = (reason: unknown): boolean => reason instanceof NotAsked && reason.isForbidden;

const called = ({ kind, metadata }: KubernetesObject): string => `${kind} ${keyOf(metadata)}`;
const calledTold = ({ kind, namespace, name }: Told): string =>
  `${kind} ${keyOf({ name, ...(namespace === undefined ? {} : { namespace }) })}`;

/** Asks one host after the other, until all that is to have a host has one. */
class Inquiry {
  readonly #namespace: string;
  readonly #known: readonly Hypervisor[] | undefined;
  readonly #telling: Foretelling;
  readonly #bound: readonly KubernetesObject[];
  /** As they would be: grants and defaults count. */
  readonly #changed: readonly KubernetesObject[];
  /** Pools and networks, on every host. */
  readonly #spanning: readonly KubernetesObject[];
  #unplaced: readonly KubernetesObject[];
  /** Why hosts did not take what has none yet, by object. */
  readonly #objections = new Map<string, string[]>();
  /** Hosts that could not be asked. */
  readonly #silent: string[] = [];

  constructor(namespace: string, objects: readonly KubernetesObject[], known: readonly Hypervisor[] | undefined, telling: Foretelling) {
    this.#namespace = namespace;
    this.#known = known;
    this.#telling = telling;
    const goes = ({ kind }: KubernetesObject) => kind === 'VirtualMachine' || kind === 'StorageVolume';
    this.#changed = objects.filter(isHost);
    this.#spanning = objects.filter((object) => !goes(object) && !isHost(object));
    this.#bound = objects.filter((object) => goes(object) && boundTo(object) !== undefined);
    this.#unplaced = objects.filter((object) => goes(object) && boundTo(object) === undefined);
  }

  async run(signal: AbortSignal): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const host of this.#hosts()) {
      const here = this.#bound.filter((object) => boundTo(object) === host);
      const candidates = this.#unplaced.filter((object) => isFor(object, host, this.#known));
      if (here.length + candidates.length + this.#spanning.length === 0) continue;
      const itself = this.#changed.filter(({ metadata }) => metadata.name === host);
      outcomes.push(await this.#ask(host, [...itself, ...this.#spanning, ...here, ...candidates], signal));
    }
    return [...outcomes, { ...nothing, ...this.#withoutHost() }];
  }

  /** Those first that have something already. */
  #hosts(): readonly string[] {
    const bound = this.#bound.flatMap((object) => boundTo(object) ?? []);
    const others = this.#known?.map(({ metadata }) => metadata.name) ?? namedBy(this.#unplaced);
    if (this.#known === undefined && this.#spanning.length > 0)
      this.#telling.onNote('only hosts are asked that objects name: you may not list Hypervisors');
    const all = [...new Set([...bound, ...others])];
    const wanted = this.#unplaced.length > 0 ? all : all.slice(0, Math.max(new Set(bound).size, mostHosts));
    if (this.#spanning.length > 0 && wanted.length < all.length)
      this.#telling.onNote(`${all.length - wanted.length} more hosts have these pools and networks, and were not asked`);
    return wanted;
  }

  async #ask(host: string, objects: readonly KubernetesObject[], signal: AbortSignal): Promise<Outcome> {
    try {
      return this.#heard(host, await this.#telling.ask(this.#namespace, host, { objects, isAlone: this.#known?.length === 1 }, signal));
    } catch (reason) {
      if (!(reason instanceof NotAsked) || reason.isForbidden) throw reason;
      this.#silent.push(host);
      return { ...nothing, troubles: [{ kind: 'Hypervisor', name: host, reason: 'NotAsked', message: reason.message }] };
    }
  }

  /** What another host may take yet is no trouble of this one. */
  #heard(host: string, { steps, waits, troubles, calls, placed }: Answer): Outcome {
    const has = new Set(placed);
    this.#unplaced = this.#unplaced.filter((object) => !has.has(called(object)));
    const homeless = new Set(this.#unplaced.map(called));
    for (const told of troubles.filter((one) => homeless.has(calledTold(one)))) {
      const objection = told.message.startsWith(`${host}: `) ? told.message : `${host}: ${told.message}`;
      this.#objections.set(calledTold(told), [...(this.#objections.get(calledTold(told)) ?? []), objection]);
    }
    // Volumes of its templates are no more homeless than a machine is.
    const isIts = (told: Told) => has.has(calledTold(told)) || (told.kind !== 'StorageVolume' && !homeless.has(calledTold(told)));
    return { steps, waits, calls, troubles: troubles.filter(isIts) };
  }

  #withoutHost(): Pick<Outcome, 'waits' | 'troubles'> {
    const told = this.#unplaced.map((object) => ({ object, ...this.#why(object) }));
    const of = (isWait: boolean) =>
      told
        .filter((one) => one.isWait === isWait)
        .map(({ object: { kind, metadata }, reason, message }) => ({
          kind,
          ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
          name: metadata.name,
          reason,
          message,
        }));
    return { waits: of(true).map((one) => ({ ...one, field: 'status.hypervisor' })), troubles: of(false) };
  }

  #why(object: KubernetesObject): { readonly isWait: boolean; readonly reason: string; readonly message: string } {
    const objections = this.#objections.get(called(object));
    if (object.kind === 'StorageVolume' && this.#known?.length !== 1)
      return { isWait: true, reason: 'WaitingForMachine', message: 'it goes where its first machine goes, or where alone its pool is' };
    if (objections !== undefined) return { isWait: false, reason: 'Unschedulable', message: objections.join('; ') };
    const coming = this.#changed.find(({ metadata }) => this.#known?.every((one) => one.metadata.name !== metadata.name));
    if (coming !== undefined)
      return {
        isWait: false,
        reason: 'NotKnown',
        message: `Hypervisor "${coming.metadata.name}" is not there yet: apply it first, and what is to be on it can be planned`,
      };
    if (this.#known === undefined)
      return {
        isWait: false,
        reason: 'NotKnown',
        message:
          'which host it gets is not known: you may not list Hypervisors; name one in spec.placement.hypervisorRef, or ask for that right',
      };
    if (this.#silent.length > 0) return { isWait: false, reason: 'NotKnown', message: `not asked: ${this.#silent.join(', ')}` };
    return { isWait: false, reason: 'NoHypervisor', message: 'there is no Hypervisor that its spec.placement means' };
  }
}
