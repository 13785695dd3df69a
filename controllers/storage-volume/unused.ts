import { DriverError } from '#drivers/error.js';
import type { Locks } from '../host/locks.js';
import type { HostView } from '../host/view.js';
import type { Surroundings } from '../plan.js';
import type { FillSource } from './plan-source.js';
import { unreadOf, usersOf } from './users.js';

/** @throws DriverError Busy */
export async function mustBeUnused(location: string, view: HostView, signal: AbortSignal): Promise<void> {
  if ((await usersAnew(location, 'uses', view, signal)).length > 0) throw new DriverError('Busy', 'a machine was given it just now');
}

/** @throws DriverError Busy */
export async function mustBeOff(location: string, view: HostView, signal: AbortSignal): Promise<void> {
  if ((await usersAnew(location, 'runs with', view, signal)).some(({ off }) => !off))
    throw new DriverError('Busy', 'a machine runs with it since just now');
}

/** Each is read: of a disk that a machine was given no glance tells, and an event comes late, or not at all. What is deleted does not come back. */
async function usersAnew(location: string, how: 'uses' | 'runs with', view: HostView, signal: AbortSignal) {
  view.dirtyMachines();
  await view.refresh({ machines: true }, signal);
  const unread = unreadOf(view);
  if (unread !== undefined) throw new DriverError('Busy', `whether a machine ${how} it is not known: ${unread}`);
  return usersOf(location, view);
}

type Host = Pick<Surroundings, 'driver' | 'view'>;

/** No machine starts with what is being copied; none that runs may have it. */
export function reserve(
  { name, how, location }: Extract<FillSource, { readonly kind: 'clone' }>,
  host: Host,
  locks: Locks,
  signal: AbortSignal,
): Promise<() => void> {
  return locks.hold([location], async () => {
    // A full copy that broke is made again, and many are made at once; a linked one is nothing as soon as its base is written to.
    if (how === 'Linked' || host.driver.events === undefined) host.view.dirtyMachines();
    else await host.view.glance(signal);
    await host.view.refresh({ machines: true }, signal);
    if (usersOf(location, host.view).some(({ off }) => !off || how === 'Linked'))
      throw new DriverError('Busy', `a machine was given volume "${name}" just now`);
    return locks.occupy(location, `volume "${name}" is being copied`);
  });
}
