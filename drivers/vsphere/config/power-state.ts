import type { PowerState } from '#drivers/driver.js';

/** vSphere's states in our words. Of a machine that is off it keeps whether its end was an orderly one, not who wished it. */
export function powerOf(state: string | undefined, cleanPowerOff: boolean | undefined): PowerState {
  if (state === 'poweredOn') return { state: 'On', reason: 'Booted' };
  if (state === 'suspended') return { state: 'Paused', reason: 'User' };
  if (cleanPowerOff === undefined) return { state: 'Off', reason: 'Unknown' };
  return { state: 'Off', reason: cleanPowerOff ? 'Orderly' : 'Crashed' };
}
