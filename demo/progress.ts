import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '#controllers/kubernetes/client.js';
import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import type { Condition, Hypervisor, StorageVolume, VirtualMachine } from '#crds/types.js';
import { kinds } from './apply.js';

export type Told = KubernetesObject & {
  readonly status?: { readonly printableStatus?: string; readonly conditions?: readonly Condition[] };
};

const lookMs = 200;
/** Under emulation and load a step may take its time; who has nothing new to say for longer takes none. */
const patienceMs = 180_000;
/** What goes on at once need not be told. */
const settlesMs = 1_000;
/** What is still as it was is told with its reason. */
const lingersMs = 5_000;

/** What has become of the demo's objects: a line for each step of each, and why it goes no further. */
export class Progress {
  readonly #client: Client;
  readonly #step: (text: string) => void;
  /** What was last seen of each object, and since when. */
  readonly #seen = new Map<string, { readonly text: string; readonly since: number }>();
  /** A machine that is tried again and again says nothing new. */
  readonly #said = new Set<string>();
  #lastNews = performance.now();

  constructor(client: Client, step: (text: string) => void) {
    this.#client = client;
    this.#step = step;
  }

  /** Gives them as they are then. Rejects, with the conditions of what is not Ready, when nothing new was seen for three minutes. */
  async until(isSo: (objects: readonly Told[]) => boolean, signal: AbortSignal): Promise<readonly Told[]> {
    for (;;) {
      const objects = await this.#look(signal);
      for (const object of objects) this.#tell(object);
      if (isSo(objects)) return objects;
      if (performance.now() - this.#lastNews > patienceMs)
        throw new Error(
          ['nothing new has happened for three minutes. Not ready:', ...objects.filter((one) => !isReady(one)).map(why)].join('\n  '),
        );
      await sleep(lookMs, undefined, { signal });
    }
  }

  async #look(signal: AbortSignal): Promise<readonly Told[]> {
    const lists = await Promise.all(kinds.map((kind) => this.#client.list(kind, {}, signal)));
    return lists.flatMap(({ items }) => items as readonly Told[]);
  }

  #tell(object: Told): void {
    const [name, text, now] = [nameOf(object), [stateOf(object), ...detailsOf(object)].join(', '), performance.now()];
    if (text === '') return;
    const before = this.#seen.get(name);
    const since = before?.text === text ? before.since : now;
    this.#seen.set(name, { text, since });
    this.#notice(transferredOf(object));
    if (isReady(object) || now - since > settlesMs) this.#say(`${name}: ${text}`);
    if (!isReady(object) && now - since > lingersMs) this.#say(why(object));
  }

  /** An image that comes slowly comes. */
  #notice(transferred: string | undefined): void {
    if (transferred === undefined || this.#said.has(transferred)) return;
    this.#said.add(transferred);
    this.#lastNews = performance.now();
  }

  #say(line: string): void {
    if (this.#said.has(line)) return;
    this.#said.add(line);
    this.#lastNews = performance.now();
    this.#step(line);
  }
}

/** A machine is Ready before its guest has an address: the demo waits for both. */
export function isDone(objects: readonly Told[]): boolean {
  const machines = objects.filter(({ kind }) => kind === 'VirtualMachine');
  return machines.length > 0 && objects.every(isReady) && machines.every((machine) => addressOf(machine) !== undefined);
}

const nameOf = ({ kind, metadata }: Told): string => `${kind} ${metadata.name}`;
export const conditionOf = ({ status }: Told, type: string): Condition | undefined => status?.conditions?.find((one) => one.type === type);
export const isReady = (object: Told): boolean =>
  conditionOf(object, 'Ready')?.status === 'True' && conditionOf(object, 'Ready')?.observedGeneration === object.metadata.generation;

/** In a word. */
function stateOf(object: Told): string {
  const ready = conditionOf(object, 'Ready');
  return object.status?.printableStatus ?? (ready?.status === 'True' ? 'Ready' : (ready?.reason ?? ''));
}

function detailsOf(object: Told): readonly string[] {
  if (!isReady(object)) return [];
  if (object.kind === 'VirtualMachine') return addressOf(object) ?? [];
  if (object.kind !== 'Hypervisor') return [];
  const { versions = {}, capabilities = [] } = (object as unknown as Hypervisor).status ?? {};
  const accelerator = capabilities.find(({ field }) => field === 'accelerator');
  const emulates = accelerator?.values?.includes('KVM') === false;
  return [
    ...Object.entries(versions).map(([component, version]) => `${component} ${version}`),
    ...(emulates ? [`machines are emulated, which is slower (${accelerator?.reason ?? 'no KVM'})`] : []),
  ];
}

const transferredOf = (object: Told): string | undefined => (object as unknown as StorageVolume).status?.import?.transferred;

function addressOf(object: Told): readonly [string] | undefined {
  const { interfaces = [] } = (object as unknown as VirtualMachine).status ?? {};
  const [address] = interfaces.flatMap(({ addresses = [] }) => addresses);
  return address === undefined ? undefined : [address.ip];
}

function why(object: Told): string {
  const { reason, message } = conditionOf(object, 'Ready') ?? { reason: 'NotSeen', message: 'nobody has looked at it yet' };
  return `${nameOf(object)}: ${reason}: ${message}`;
}
