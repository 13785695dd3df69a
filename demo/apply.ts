import { readFile } from 'node:fs/promises';
import { loadAll } from 'js-yaml';
import type { Client, Manifest } from '#controllers/kubernetes/client.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import { hypervisors, storagePools, storageVolumes, virtualMachines, virtualNetworks } from '#crds/types.js';

/** In the order in which they are told of. */
export const kinds: readonly Resource[] = [hypervisors, storagePools, virtualNetworks, storageVolumes, virtualMachines];

/** As seen from `dist/demo/`. */
const folder = new URL('../../manifests/demo/', import.meta.url);

/** Where the manifests say that hypervisor and images are. */
const written = { uri: 'qemu:///system', images: 'http://127.0.0.1:18620' };

/** Applies what lies in manifests/demo/, with hypervisor and images where they are today. */
export async function applyAll(client: Client, { uri, images }: typeof written, signal: AbortSignal): Promise<void> {
  for (const file of ['host.yaml', 'machine.yaml']) {
    const text = await readFile(new URL(file, folder), 'utf8');
    for (const manifest of loadAll(text.replaceAll(written.uri, uri).replaceAll(written.images, images)) as (Manifest & {
      readonly kind: string;
    })[]) {
      const resource = kinds.find(({ kind }) => kind === manifest.kind) as Resource;
      await client.apply(resource, manifest, { force: true }, signal);
    }
  }
}

/** Where an earlier run had the images: a volume's source is never another one. Undefined when there was none. */
export async function earlierImages(client: Client, signal: AbortSignal): Promise<URL | undefined> {
  const { items } = await client.list(storageVolumes, { namespace: 'default' }, signal);
  const urls = items.map(({ spec }) => (spec as { source?: { url?: string } } | undefined)?.source?.url);
  const url = urls.find((one) => one?.startsWith('http://127.0.0.1:'));
  return url === undefined ? undefined : new URL(url);
}
