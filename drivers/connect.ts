import type { Driver } from './driver.js';
import { DriverError } from './error.js';

type Connect = (uri: string, signal: AbortSignal) => Promise<Driver>;

/** Loaded only when a host needs it: an agent for one kind of host carries nothing of the others. */
const libvirt: Connect = async (uri, signal) => {
  const { connectLibvirtDriver } = await import('./libvirt/driver.js');
  return connectLibvirtDriver(uri, { signal });
};

/** By the URI's scheme, up to its transport: `qemu`, as in `qemu+unix:///system`. */
const drivers: Readonly<Record<string, Connect>> = { qemu: libvirt, test: libvirt };

/** The driver for the host behind `uri`. Invalid, naming the schemes that are accepted, for any other. */
export async function connect(uri: string, signal: AbortSignal): Promise<Driver> {
  const scheme = /^([a-z][a-z0-9]*)(?=[+:])/i.exec(uri)?.[1]?.toLowerCase() ?? '';
  const found = Object.hasOwn(drivers, scheme) ? drivers[scheme] : undefined;
  if (found !== undefined) return found(uri, signal);
  const accepted = Object.keys(drivers).map((each) => `${each}:`);
  throw new DriverError('Invalid', `uri: "${withoutUser(uri)}" was given; accepted schemes: ${accepted.join(', ')}`);
}

/** Someone may have put a password there, and messages go far. */
function withoutUser(uri: string): string {
  return uri.replace(/\/\/[^/]*@/, '//');
}
