import { isReady } from '#controllers/conditions.js';
import type { Client } from '#controllers/kubernetes/client.js';
import { type VirtualMachine, virtualMachines } from '#crds/types.js';
import { namespace } from './manifests.js';

/** Milliseconds of this process's clock, by machine: when each was first seen to be Ready, and when to be gone. */
export class Sightings {
  readonly ready = new Map<string, number>();
  readonly gone = new Map<string, number>();

  /** Looks on until the signal. */
  async follow(client: Client, signal: AbortSignal): Promise<void> {
    let { resourceVersion } = await client.list(virtualMachines, { namespace, limit: 1 }, signal);
    while (!signal.aborted)
      for await (const event of client.watch(virtualMachines, { namespace, resourceVersion }, signal)) {
        if (event.kind === 'expired') throw new Error('the bench fell behind the API server');
        if (event.kind === 'bookmark') resourceVersion = event.resourceVersion;
        else {
          const { metadata } = event.object;
          resourceVersion = metadata.resourceVersion;
          const isGone = event.kind === 'deleted';
          if (isGone) this.#see(this.gone, metadata.name);
          else if (isReady(event.object as unknown as VirtualMachine)) this.#see(this.ready, metadata.name);
        }
      }
  }

  #see(seen: Map<string, number>, name: string): void {
    if (!seen.has(name)) seen.set(name, performance.now());
  }
}
