import type { NetworkDefinition, NetworkId, Networks } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Ask } from './ask.js';
import type { RehearsedHost } from './host.js';

export function networksOf(host: RehearsedHost, ask: Ask): Networks {
  const nameOf = (id: NetworkId) => host.networks.get(id)?.nativeName ?? id;
  return {
    list: async () => [...host.networks.values()],
    define: (definition) => ask('networks.define', definition.nativeName, () => define(host, definition)),
    start: (id) =>
      ask('networks.start', nameOf(id), () => {
        const { configured, ...network } = host.network(id);
        host.networks.set(id, {
          ...network,
          active: true,
          attached: 0,
          ...(configured === undefined ? {} : { configured, live: configured }),
        });
      }),
    update: (id, shape) => ask('networks.update', nameOf(id), () => void host.networks.set(id, { ...host.network(id), live: shape })),
    stop: (id) =>
      ask('networks.stop', nameOf(id), () => {
        const { live: _, ...network } = host.network(id);
        host.networks.set(id, { ...network, active: false });
      }),
    undefine: (id) => ask('networks.undefine', nameOf(id), () => void host.networks.delete(id)),
  };
}

function define(host: RehearsedHost, { uuid, nativeName, ...configured }: NetworkDefinition): NetworkId {
  const known = [...host.networks.values()].find((one) => one.uuid === uuid.toLowerCase() || one.nativeName === nativeName);
  if (known !== undefined && known.uuid !== uuid.toLowerCase())
    throw new DriverError('NotOurs', `network "${nativeName}" on the host is not ours`);
  const id = known?.id ?? (uuid.toLowerCase() as NetworkId);
  host.networks.set(id, { id, uuid: uuid.toLowerCase(), nativeName, active: false, bridge: 'virbr', ...known, configured });
  return id;
}
