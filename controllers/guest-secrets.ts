import type { VirtualMachine } from '#crds/types.js';
import type { Secret } from './secrets.js';
import { hostLabel } from './secrets.js';

/** What of tenants' Secrets the guests on one host are told: copied by the controller, read by that host's agent. */
const prefix = 'virtwright-guests-';
export const guestSecretOf = (hypervisor: string): string => `${prefix}${hypervisor}`;

/** On a copy: something did not find room in it. */
export const fullAnnotation = 'virtwright.io/full';

export const isGuestSecret = ({ metadata }: Secret): boolean => metadata.name === guestSecretOf(metadata.labels?.[hostLabel] ?? '');

export type SecretField = 'userData' | 'networkData' | 'ignition' | 'answerFile';

/** A machine's uid is its own for good: what was meant for one is never given to another of its name. */
export const entryOf = (uid: string, field: SecretField): string => `${uid}.${field}`;

export interface SecretReference {
  readonly field: SecretField;
  readonly name: string;
  readonly key: string;
}

/** The keys of Secrets in its namespace that a machine's guest is to be told. */
export function secretReferences({ spec: { cloudInit, ignition, sysprep } }: VirtualMachine): readonly SecretReference[] {
  const references = {
    userData: cloudInit?.userDataSecretRef,
    networkData: cloudInit?.networkDataSecretRef,
    ignition: ignition?.configSecretRef,
    answerFile: sysprep?.answerFileSecretRef,
  };
  return Object.entries(references).flatMap(([field, reference]) =>
    reference === undefined ? [] : [{ field: field as SecretField, name: reference.name, key: reference.key }],
  );
}
