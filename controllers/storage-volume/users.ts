import type { Machine, MachineShape } from '#drivers/driver.js';
import { attachedTo } from '../host/attached.js';
import type { HostView } from '../host/view.js';
import type { ObservedVolume } from './action.js';
import type { User } from './source.js';

/** One that was read before may have other disks by now: what is cut or deleted beneath it does not come back. */
export function unreadOf({ unread: [first] }: HostView): string | undefined {
  return first === undefined ? undefined : `machine ${first.glance.nativeName} cannot be read (${first.reason.message})`;
}

/** As a disk, or to boot from. */
const has = (shape: MachineShape | undefined, location: string): boolean =>
  shape !== undefined && (attachedTo(shape).includes(location) || shape.boot?.kernel === location || shape.boot?.initrd === location);

const formatIn = (shape: MachineShape | undefined, location: string): Pick<User, 'format'> => {
  const disk = shape?.disks.find((each) => each.location === location);
  return disk === undefined ? {} : { format: disk.format };
};

export const usersOf = (location: string, { machines }: HostView): ObservedVolume['users'] =>
  machines
    .filter(({ configured, live }: Machine) => has(configured, location) || has(live, location))
    .map(({ id, nativeName, power, mark, configured, live }) => ({
      id,
      nativeName,
      // One that was saved goes on with it as it was.
      off: power.state === 'Off' && power.reason !== 'Saved',
      ...formatIn(configured ?? live, location),
      ...(mark === undefined ? {} : { ownerUid: mark.owner.uid }),
    }));
