import type { SnapshotDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { checkName } from './definition.js';
import { glanceOf, isPlainOff, type NativeMachine } from './native.js';
import type { VersionLimits } from './wmi/limits.js';

/** Whether what runs is in it. @throws DriverError Unsupported, Conflict */
export function memoryOf(native: NativeMachine, { memory }: SnapshotDefinition, { checkpoints }: VersionLimits): boolean {
  if (isPlainOff(native)) return false;
  const { nativeName, power } = glanceOf(native);
  const asked = memory ? 'With' : 'Without';
  if (!checkpoints.includes(asked))
    throw new DriverError(
      'Unsupported',
      `memory: ${memory} was given for machine "${nativeName}", which is not Off; accepted on this host: ${checkpoints.includes('With')}, or ${memory} once it is Off`,
    );
  if (!memory && power.reason === 'Saved')
    throw new DriverError(
      'Conflict',
      `memory: false was given for machine "${nativeName}", which is saved; accepted: true, or false once it is started, or cut`,
    );
  return memory;
}

const maxKeyBytes = 200;

/** @throws DriverError Invalid */
export function checkSnapshot({ key, name }: SnapshotDefinition): void {
  const bytes = Buffer.byteLength(key);
  if (key === '' || bytes > maxKeyBytes || /[\p{Cc}\p{Surrogate}]/u.test(key))
    throw new DriverError(
      'Invalid',
      `key: ${JSON.stringify(key)} (${bytes} bytes) was given; accepted: 1 to ${maxKeyBytes} bytes without control characters`,
    );
  checkName(name, 'name');
}
