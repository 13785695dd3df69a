import type { VirtualMachine } from '#crds/types.js';
import { isToBeAdopted } from './adoption.js';
import type { Secret } from './secrets.js';
import { hostLabel } from './secrets.js';

/** What of tenants' Secrets the guests on one host are told: copied by the controller, read by that host's agent. */
const prefix = 'virtwright-guests-';
export const guestSecretOf = (hypervisor: string): string => `${prefix}${hypervisor}`;

/** On a copy: something did not find room in it. */
export const fullAnnotation = 'virtwright.io/full';

export const isGuestSecret = ({ metadata }: Secret): boolean => metadata.name === guestSecretOf(metadata.labels?.[hostLabel] ?? '');

export type SecretField = 'userData' | 'networkData' | 'ignition' | 'answerFile' | 'graphicsPassword';

/** A machine's uid is its own for good: what was meant for one is never given to another of its name. */
export const entryOf = (uid: string, field: SecretField): string => `${uid}.${field}`;

export interface SecretReference {
  readonly field: SecretField;
  readonly name: string;
  readonly key: string;
}

/**
 * Where the password of its graphics is: in a Secret that the manifest names, or in one that is made for it. A machine that was adopted, and names
 * none, has the password that it had, or none: who gave it to whom is not known.
 */
export function graphicsSecretOf(machine: VirtualMachine): Omit<SecretReference, 'field'> | undefined {
  const { metadata, spec } = machine;
  const named = spec.devices?.graphics?.passwordSecretRef;
  if (named !== undefined || keepsItsPassword(machine)) return named;
  return { name: `${metadata.name}-graphics`, key: 'password' };
}

/** By what its mark says, not by an annotation that comes and goes. */
export const keepsItsPassword = (machine: VirtualMachine): boolean =>
  machine.spec.devices?.graphics !== undefined &&
  machine.spec.devices.graphics.passwordSecretRef === undefined &&
  (machine.status?.adopted === true || isToBeAdopted(machine));

/** The keys of Secrets in its namespace that a machine, or its guest, is to be told. */
export function secretReferences(machine: VirtualMachine): readonly SecretReference[] {
  const { cloudInit, ignition, sysprep, devices } = machine.spec;
  const references = {
    userData: cloudInit?.userDataSecretRef,
    networkData: cloudInit?.networkDataSecretRef,
    ignition: ignition?.configSecretRef,
    answerFile: sysprep?.answerFileSecretRef,
    graphicsPassword: devices?.graphics && graphicsSecretOf(machine),
  };
  return Object.entries(references).flatMap(([field, reference]) =>
    reference === undefined ? [] : [{ field: field as SecretField, name: reference.name, key: reference.key }],
  );
}
