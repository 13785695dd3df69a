import type { Hypervisor, StorageVolume } from '#crds/types.js';
import { isLinked } from '../../stores.js';
import type { Filter } from './filter.js';

/** A volume that is somewhere comes along only from a store that all hosts see. */
export const volumesHere: Filter = ({ volumes, instanceFor }, hypervisor) => {
  const elsewhere = volumes.find(
    (volume) =>
      volume.status?.hypervisor !== undefined &&
      volume.status.hypervisor !== hypervisor.metadata.name &&
      instanceFor(volume, hypervisor) === undefined,
  );
  if (elsewhere === undefined) return undefined;
  const bound = isLinked(elsewhere.spec) ? ', and a linked clone stays where it was made' : '';
  return { reason: 'Volume', message: `volume "${elsewhere.metadata.name}" is on ${elsewhere.status?.hypervisor}${bound}` };
};

export const poolsHere: Filter = ({ volumes, instanceFor }, hypervisor) => {
  const homeless = volumes.find((volume) => volume.status?.hypervisor === undefined && instanceFor(volume, hypervisor) === undefined);
  if (homeless === undefined) return undefined;
  return { reason: 'Pool', message: `volume "${homeless.metadata.name}" has no pool here: ${poolWords(homeless, hypervisor)}` };
};

function poolWords({ spec }: StorageVolume, { spec: { defaultPoolRef } }: Hypervisor): string {
  const wanted = spec.poolRef?.name ?? defaultPoolRef?.name;
  if (spec.source?.volumeRef !== undefined)
    return `volume "${spec.source.volumeRef.name}", which it is cloned from, is not here to be cloned`;
  return wanted === undefined
    ? 'it names none, and the Hypervisor has no defaultPoolRef'
    : `pool "${wanted}" is not on this host, or not for this namespace`;
}
