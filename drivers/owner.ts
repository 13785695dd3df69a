import type { Mark, OwnerMark } from './driver.js';
import { DriverError } from './error.js';

export function sameOwner(one: OwnerMark, other: OwnerMark): boolean {
  return one.cluster === other.cluster && one.namespace === other.namespace && one.name === other.name && one.uid === other.uid;
}

/** For messages: `shop/db of cluster "c1" (uid 6b1f…)`. */
function ownerText({ cluster, namespace, name, uid }: OwnerMark): string {
  return `${namespace}/${name} of cluster "${cluster}" (uid ${uid})`;
}

/** What is not ours is left alone, and named. @throws DriverError NotOurs unless the machine carries `owner`'s mark */
export function assertOwner(nativeName: string, mark: Mark | undefined, owner: OwnerMark): void {
  if (mark !== undefined && sameOwner(mark.owner, owner)) return;
  const whose = mark === undefined ? 'carries no mark of ours' : `belongs to ${ownerText(mark.owner)}`;
  throw new DriverError('NotOurs', `machine "${nativeName}" on the host ${whose}, not to ${ownerText(owner)}; it is left alone`);
}
