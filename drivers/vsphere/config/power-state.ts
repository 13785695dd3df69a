import type { PowerState } from '#drivers/driver.js';

/** vSphere's states in our words. Why a machine is off it does not keep, but for one whose process died. */
export function powerOf(state: string | undefined, cleanPowerOff: boolean | undefined): PowerState {
  if (state === 'poweredOn') return { state: 'On', reason: 'Booted' };
  if (state === 'suspended') return { state: 'Paused', reason: 'User' };
  return { state: 'Off', reason: cleanPowerOff === false ? 'Crashed' : 'Unknown' };
}
