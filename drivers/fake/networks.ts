import type { NetworkDefinition, NetworkId, NetworkShape, Networks } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import { type FakeNetwork, mustBeNetwork, shapeOf, subnetsOf, toNetwork, updated } from './network.js';
import { canonicalUuid, mustBeName, mustBeWritable } from './text.js';

type Host = FakeHost<Clock>;

function mustFind(host: Host, id: NetworkId): FakeNetwork {
  const network = host.networks.get(id);
  if (network === undefined) throw new DriverError('NotFound', `no network ${id} on this host`);
  return network;
}

function define(host: Host, definition: NetworkDefinition): NetworkId {
  const uuid = canonicalUuid(definition.uuid);
  mustBeName(definition.nativeName);
  mustBeWritable(definition);
  mustBeNetwork(definition);
  const networks = [...host.networks.values()];
  const found = networks.find((network) => network.uuid === uuid);
  const taken = networks.find(({ nativeName }) => nativeName === definition.nativeName);
  if (found === undefined && taken !== undefined)
    throw new DriverError('NotOurs', `network "${taken.nativeName}" belongs to another (${taken.uuid})`);
  return host.setNetwork({ nativeName: found?.nativeName ?? definition.nativeName, uuid, configured: shapeOf(definition) });
}

function start(host: Host, id: NetworkId): void {
  const network = mustFind(host, id);
  if (network.active) return;
  const subnets = subnetsOf(network.configured);
  for (const [device, subnet] of host.interfaces)
    if (subnets.includes(subnet)) throw new DriverError('Conflict', `the host has ${subnet} on its interface ${device} already`);
  host.setNetwork({ ...network, active: true, ...(network.configured === undefined ? {} : { live: network.configured }) });
}

function update(host: Host, id: NetworkId, shape: NetworkShape): void {
  const network = mustFind(host, id);
  if (!network.active || network.live === undefined) throw new DriverError('Conflict', `network "${network.nativeName}" is not active`);
  host.setNetwork({ ...network, live: updated(network.live, shape) });
}

function stop(host: Host, id: NetworkId): void {
  const { live: _live, ...network } = mustFind(host, id);
  if (!network.active) return;
  const attached = host.attachedTo(network.nativeName);
  if (attached > 0) throw new DriverError('Conflict', `network "${network.nativeName}" has ${attached} machines attached`);
  host.networks.delete(id);
  host.networks.set(id, { ...network, active: false });
  host.emit({ kind: 'network', id });
}

function undefine(host: Host, id: NetworkId): void {
  if (!host.networks.has(id)) return;
  stop(host, id);
  host.removeNetwork(id);
}

export function networksOf(host: Host, connection: Connection): Networks {
  const of = (id: NetworkId) => host.networks.get(id)?.nativeName ?? id;
  return {
    list: (signal) =>
      connection.ask({ verb: 'networks.list' }, signal, () =>
        structuredClone([...host.networks.values()].map((network) => toNetwork(network, host.attachedTo(network.nativeName)))),
      ),
    define: (definition, signal) =>
      connection.ask({ verb: 'networks.define', of: definition.nativeName }, signal, () => define(host, definition)),
    start: (id, signal) => connection.ask({ verb: 'networks.start', of: of(id) }, signal, () => start(host, id)),
    update: (id, shape, signal) => connection.ask({ verb: 'networks.update', of: of(id) }, signal, () => update(host, id, shape)),
    stop: (id, signal) => connection.ask({ verb: 'networks.stop', of: of(id) }, signal, () => stop(host, id)),
    undefine: (id, signal) => connection.ask({ verb: 'networks.undefine', of: of(id) }, signal, () => undefine(host, id)),
  };
}
