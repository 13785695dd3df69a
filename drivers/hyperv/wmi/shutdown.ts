import type { ObjectOf } from './class.js';
import { type computerSystem, shutdownComponent } from './classes.js';
import { isInvalidState, MethodFailure } from './return-code.js';
import type { Wmi } from './wmi.js';

/** Not ready, locked, and shutting down already. */
const unheard: readonly number[] = [32780, 32781, 32782];

/** Asks a guest to shut down. Whether it was heard: one without integration services, or busy with it already, does not hear. */
export async function pressPowerButton(wmi: Wmi, { common }: ObjectOf<typeof computerSystem>, signal: AbortSignal): Promise<boolean> {
  const [component] = await wmi.find(shutdownComponent, { SystemName: common.Name }, signal);
  if (component === undefined) return false;
  const given = { Force: false, Reason: 'asked for by Virtwright' };
  const { returnValue } = await wmi.client.invoke(component.reference, 'InitiateShutdown', given, signal);
  if (returnValue === 0) return true;
  const failure = new MethodFailure('InitiateShutdown', returnValue);
  if (isInvalidState(failure) || unheard.includes(returnValue)) return false;
  throw failure;
}
