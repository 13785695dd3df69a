import type { VirtualMachineStatus } from '#crds/types.js';
import type { KubernetesObject } from '../kubernetes/resource.js';
import { kinds } from './kinds.js';
import { standingOf } from './standing.js';
import { placeOf, type Step } from './steps.js';

export interface Told {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly reason: string;
  readonly message: string;
}

/** What a person, or a pipeline, is told of a plan or an apply. */
export interface Outcome {
  /** By object; those of one object in their order. */
  readonly steps: readonly Step[];
  /** Changes of running machines that do not come about by themselves. */
  readonly waits: readonly (Told & { readonly field: string })[];
  /** What does not come to be as it was asked. */
  readonly troubles: readonly Told[];
  /** What the host would be asked, less looks, as `machines.define shop.web`. */
  readonly calls: readonly string[];
}

export function outcomeOf(steps: readonly Step[], objects: readonly KubernetesObject[], calls: readonly string[]): Outcome {
  return {
    steps: sorted(steps),
    waits: sorted(objects.flatMap(waitsOf)),
    troubles: sorted(objects.flatMap(troubleOf)),
    calls,
  };
}

/** What several have told of, as one. */
export const joined = (outcomes: readonly Outcome[]): Outcome => ({
  steps: sorted(outcomes.flatMap(({ steps }) => steps)),
  waits: sorted(outcomes.flatMap(({ waits }) => waits)),
  troubles: sorted(outcomes.flatMap(({ troubles }) => troubles)),
  calls: outcomes.flatMap(({ calls }) => calls),
});

function troubleOf(object: KubernetesObject): readonly Told[] {
  const standing = standingOf(object);
  if (standing.kind === 'ready') return [];
  return [{ kind: object.kind, ...placeOf(object), reason: standing.reason, message: standing.message }];
}

function waitsOf(object: KubernetesObject): Outcome['waits'] {
  if (object.kind !== 'VirtualMachine') return [];
  const { pendingChanges = [] } = (object.status ?? {}) as VirtualMachineStatus;
  return pendingChanges.map(({ field, class: kind, reason }) => ({
    kind: object.kind,
    ...placeOf(object),
    field,
    reason: kind,
    message: reason,
  }));
}

type Placed = Pick<Told, 'kind' | 'namespace' | 'name'>;

/** What others rest on comes first; the order does not depend on who was faster. */
function sorted<T extends Placed>(all: readonly T[]): readonly T[] {
  return all
    .map((one, at) => ({ one, at, key: [`${rank(one.kind)}`, one.namespace ?? '', one.name] }))
    .sort((a, b) => compare(a.key, b.key) || a.at - b.at)
    .map(({ one }) => one);
}

const order = ['StoragePool', 'StoragePoolInstance', 'VirtualNetwork', 'VirtualNetworkInstance', 'StorageVolume', 'VirtualMachine'];
const rank = (kind: string): number => {
  const at = order.indexOf(kind);
  return 10 + (at < 0 ? order.length + kinds.findIndex((one) => one.kind === kind) : at);
};

function compare(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((part, index) => part !== other[index]);
  if (at < 0) return 0;
  return (one[at] ?? '') < (other[at] ?? '') ? -1 : 1;
}
