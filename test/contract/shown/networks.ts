import type { Asked } from '#controllers/fit.js';
import { askedOfNetwork } from '#controllers/virtual-network-instance/plan.js';
import type { NativeNetworkShape, Network, NetworkDefinition, NetworkId, NetworkShape } from '#drivers/driver.js';
import type { Shown } from './shown.js';

/** What can change in a network that runs, as `networks.live` calls it. */
const parts: Readonly<Record<string, (shape: NativeNetworkShape) => unknown>> = {
  'ipv4.dhcp': ({ ipv4 }) => [ipv4?.ranges, ipv4?.hosts],
  'ipv6.dhcp': ({ ipv6 }) => [ipv6?.ranges, ipv6?.hosts],
  'dns.records': ({ records }) => records,
};

/** What is shown of networks: what was asked for and is read back, what was updated and runs. */
export class NetworksSeen {
  readonly #shown: Shown;
  readonly #defined = new Map<string, NetworkDefinition>();
  readonly #live = new Map<NetworkId, NativeNetworkShape>();
  readonly #updated = new Map<NetworkId, { readonly before: NativeNetworkShape; readonly wanted: NetworkShape }>();

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  defined(definition: NetworkDefinition): void {
    this.#defined.set(definition.uuid, definition);
  }

  updated(id: NetworkId, wanted: NetworkShape): void {
    const before = this.#live.get(id);
    if (before !== undefined) this.#updated.set(id, { before, wanted });
  }

  listed(networks: readonly Network[]): void {
    for (const network of networks) this.#look(network);
  }

  #look({ id, uuid, active, configured, live }: Network): void {
    const definition = uuid === undefined ? undefined : this.#defined.get(uuid);
    if (definition === undefined && active) this.#shown.field('networks.existing');
    if (definition !== undefined && configured !== undefined) this.#readBack(definition, configured);
    const update = this.#updated.get(id);
    if (live === undefined) return void this.#live.delete(id);
    if (update !== undefined)
      for (const [part, of] of Object.entries(parts))
        if (text(of(update.before)) !== text(of(live)) && text(of(live)) === text(of(update.wanted)))
          this.#shown.field('networks.live', part);
    this.#updated.delete(id);
    this.#live.set(id, live);
  }

  #readBack(definition: NetworkDefinition, { forward, ...rest }: NativeNetworkShape): void {
    if (forward.mode === 'Other') return;
    const found = askedOfNetwork({ kind: 'own', definition: { ...rest, forward } });
    for (const { field, given } of askedOfNetwork({ kind: 'own', definition }))
      if (found.some((other: Asked) => other.field === field && other.given === given)) this.#shown.field(field, given);
  }
}

const text = (value: unknown): string => JSON.stringify(value) ?? '';
