import type { Capability, Machine } from '#drivers/driver.js';
import type { KubernetesObject } from '../kubernetes/resource.js';
import { isItsOwn } from '../storage-volume/plan-fill.js';
import { type ToldAct, unspoken } from '../told-act.js';
import type { MachineAction } from '../virtual-machine/action.js';
import { type Classed, changesOf } from '../virtual-machine/changes.js';

/** Something that is done, or would be, to what belongs to an object. */
export interface Step {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** In the words of events: `Define`, `Start`. */
  readonly action: string;
  readonly because: string;
  /** Of a definition that is there: each field that changes, and what that takes. */
  readonly changes?: readonly Classed[];
}

/** Bookkeeping of ours beside an act that is told of. */
const silent: ReadonlySet<string> = new Set([...unspoken, 'complete']);

/** What is told of an act; undefined for what nobody need know. */
export function stepOf({ kind, object, action, because, host }: ToldAct): Step | undefined {
  if (silent.has(action.kind) || because === isItsOwn) return undefined;
  const changes = kind === 'VirtualMachine' ? changesIn(action as MachineAction, host) : [];
  const step = { kind, ...placeOf(object), action: `${action.kind[0]?.toUpperCase()}${action.kind.slice(1)}`, because };
  return changes.length === 0 ? step : { ...step, changes };
}

interface Seen {
  readonly view: { readonly machines: readonly Machine[] };
  readonly description: { readonly capabilities: readonly Capability[] };
}

function changesIn(action: MachineAction, { view, description }: Seen): readonly Classed[] {
  if (action.kind !== 'define' || action.id === undefined) return [];
  const machine = view.machines.find(({ id }) => id === action.id);
  if (machine?.configured === undefined) return [];
  const { capabilities } = description;
  return changesOf(machine.configured, action.definition, { capabilities, running: machine.power.state !== 'Off' });
}

export const placeOf = ({ metadata: { name, namespace } }: KubernetesObject): { readonly name: string; readonly namespace?: string } =>
  namespace === undefined ? { name } : { namespace, name };
