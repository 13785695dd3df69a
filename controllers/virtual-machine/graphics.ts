import type { VirtualMachine } from '#crds/types.js';
import type { MachineGraphics } from '#drivers/driver.js';
import { graphicsSecretOf } from '../guest-secrets.js';
import type { SecretValues } from './seed.js';

/** The graphics that the manifest asks for, with their password; or without, and why. What a password may be is the driver's to say. */
export function resolveGraphics(
  machine: VirtualMachine,
  secretValues: SecretValues,
): { readonly graphics?: MachineGraphics; readonly missing?: string } {
  const asked = machine.spec.devices?.graphics;
  if (asked === undefined) return {};
  const { type, passwordSecretRef } = asked;
  const secret = graphicsSecretOf(machine);
  if (secret === undefined) return { graphics: { type } };
  const found = secretValues(machine.metadata.uid, 'graphicsPassword');
  if (found.kind === 'value') return { graphics: { type, password: Buffer.from(found.bytes).toString() } };
  const remedy = passwordSecretRef === undefined ? `; ${whoseItIs}` : '';
  return { graphics: { type }, missing: `key "${secret.key}" of Secret "${secret.name}": ${found.because}${remedy}` };
}

const whoseItIs =
  "a Secret of that name that is not this machine's own is left alone: remove it, or name one in devices.graphics.passwordSecretRef";
