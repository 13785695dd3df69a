import { readFile } from 'node:fs/promises';
import { loadAll } from 'js-yaml';
import type { Client, Manifest } from '#controllers/kubernetes/client.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import { hypervisors, storagePools, storageVolumes, virtualMachines, virtualNetworks } from '#crds/types.js';
import type { Image } from './image.js';

/** In the order in which they are told of. */
export const kinds: readonly Resource[] = [hypervisors, storagePools, virtualNetworks, storageVolumes, virtualMachines];

/** As seen from `dist/demo/`. */
const folder = new URL('../../manifests/demo/', import.meta.url);

export interface Wanted {
  /** Of the hypervisor. */
  readonly uri: string;
  readonly image?: Image | undefined;
}

/** Applies what lies in manifests/demo/, for this hypervisor and this image. */
export async function applyAll(client: Client, { uri, image }: Wanted, signal: AbortSignal): Promise<void> {
  for (const file of ['host.yaml', image === undefined ? 'machine.yaml' : 'image.yaml']) {
    const text = (await readFile(new URL(file, folder), 'utf8')).replaceAll('qemu:///system', uri);
    for (const manifest of loadAll(image === undefined ? text : withImage(text, image)) as (Manifest & { readonly kind: string })[]) {
      const resource = kinds.find(({ kind }) => kind === manifest.kind) as Resource;
      await client.apply(resource, manifest, { force: true }, signal);
    }
  }
}

/** Its system is told its name by a seed, which the system pool is for. */
const withImage = (text: string, { from, isUrl, format }: Image): string =>
  text
    .replace('defaultPoolRef: { name: demo }', 'defaultPoolRef: { name: demo }\n  systemPoolRef: { name: demo }')
    .replace('upload: {}, format: Qcow2', `${isUrl ? `url: ${JSON.stringify(from)}` : 'upload: {}'}, format: ${format}`);
