/**
 * Where somebody says that an object takes what is on its host already: of a VirtualMachine `true`, and its `spec.uuid` says which; of a
 * StorageVolume the native name of the volume.
 */
export const adoptAnnotation = 'virtwright.io/adopt';

/** Where somebody says, with `true`, that a VirtualMachine, once it is deleted, leaves its machine on the host as it is. */
export const releaseAnnotation = 'virtwright.io/release';
