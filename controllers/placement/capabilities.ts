import { parseQuantity } from '#crds/quantity.js';
import type { Hypervisor, HypervisorStatusCapability } from '#crds/types.js';
import type { Capability } from '#drivers/driver.js';

/** What a host accepts; one and the same object for all that accept the same. */
export interface Published {
  readonly capabilities: readonly Capability[];
}

const unpublished: Published = { capabilities: [] };
const read = new WeakMap<readonly HypervisorStatusCapability[], Published>();
/** By their text. Hosts are of few makes; should they not be, it is begun anew. */
const known = new Map<string, Published>();
const mostKnown = 1_000;

/** As the host's agent published them, read once. */
export function capabilitiesOf({ status }: Hypervisor): Published {
  const told = status?.capabilities;
  if (told === undefined) return unpublished;
  const seen = read.get(told);
  if (seen !== undefined) return seen;
  const text = JSON.stringify(told);
  const published = known.get(text) ?? { capabilities: told.map(decoded) };
  if (known.size >= mostKnown) known.clear();
  known.set(text, published);
  read.set(told, published);
  return published;
}

const decoded = ({ field, values, min, max, required, reason, change, within }: HypervisorStatusCapability): Capability => ({
  field,
  ...(change === undefined ? {} : { change }),
  ...(required === true ? { required } : {}),
  ...(values === undefined ? {} : { values }),
  ...(min === undefined ? {} : { min: parseQuantity(min) }),
  ...(max === undefined ? {} : { max: parseQuantity(max) }),
  ...(within === undefined ? {} : { within }),
  ...(reason === undefined ? {} : { reason }),
});
