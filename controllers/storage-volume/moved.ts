import type { HostView } from '../host/view.js';
import type { DesiredVolume, ObservedVolume } from './action.js';

/** Where a volume that is gone from its pool may be: the machine that claimed it has a disk of that file name in a drive, put there by others. */
export function movedTo({ nativeName, claim }: DesiredVolume, { machines }: Pick<HostView, 'machines'>): ObservedVolume['movedTo'] {
  const machine = claim && machines.find(({ mark }) => mark?.owner.uid === claim.uid);
  const uses = [machine?.configured, machine?.live].flatMap((shape) => shape?.uses ?? []);
  const location = uses.find((one) => stemOf(one) === nativeName.toLowerCase());
  return machine === undefined || location === undefined ? undefined : { machine: machine.nativeName, location };
}

/** `root` of `D:\vms\root.vhdx`: hosts of Windows tell names in whatever case. */
const stemOf = (location: string): string =>
  location
    .slice(Math.max(location.lastIndexOf('\\'), location.lastIndexOf('/')) + 1)
    .replace(/[.](vhdx?|qcow2|raw)$/i, '')
    .toLowerCase();
