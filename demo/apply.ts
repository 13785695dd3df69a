import { readFile } from 'node:fs/promises';
import { loadAll } from 'js-yaml';
import type { Client, Manifest } from '#controllers/kubernetes/client.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import { hypervisors, storagePools, storageVolumes, virtualMachines, virtualNetworks } from '#crds/types.js';

/** In the order in which they are told of. */
export const kinds: readonly Resource[] = [hypervisors, storagePools, virtualNetworks, storageVolumes, virtualMachines];

/** As seen from `dist/demo/`. */
const folder = new URL('../../manifests/demo/', import.meta.url);

/** Applies what lies in manifests/demo/, for the hypervisor at `uri`. */
export async function applyAll(client: Client, uri: string, signal: AbortSignal): Promise<void> {
  for (const file of ['host.yaml', 'machine.yaml']) {
    const text = await readFile(new URL(file, folder), 'utf8');
    for (const manifest of loadAll(text.replaceAll('qemu:///system', uri)) as (Manifest & { readonly kind: string })[]) {
      const resource = kinds.find(({ kind }) => kind === manifest.kind) as Resource;
      await client.apply(resource, manifest, { force: true }, signal);
    }
  }
}
