import { idempotent } from '../procedure.js';
import { domainHandle, networkHandle, optionalString, string, typedParam } from '../types.js';
import { always, array, hyper, int, mapped, struct, uint } from '../xdr.js';

/** What libvirt's protocol accepts at most (remote_protocol.x). */
const limits = { interfaces: 2_048, addresses: 2_048, params: 2_048, leases: 65_536 } as const;

const domain = { domain: domainHandle };

const address = struct({ type: int, address: string, prefix: uint });
const guestInterface = struct({ name: string, macAddress: optionalString, addresses: array(address, limits.addresses) });

/** `source`: 0 leases, 1 the agent, 2 the host's table of neighbours. */
export const domainInterfaceAddresses = idempotent(
  'DOMAIN_INTERFACE_ADDRESSES',
  353,
  struct({ ...domain, source: uint, flags: uint }),
  array(guestInterface, limits.interfaces),
);
/** `types` are or-ed: 2 the system, 8 the host name. Each one that is asked for must be known to the agent. */
export const domainGetGuestInfo = idempotent(
  'DOMAIN_GET_GUEST_INFO',
  418,
  struct({ ...domain, types: uint, flags: uint }),
  array(typedParam, limits.params),
);
/** `timeout` in seconds: how long the host itself waits for this machine's agent; for as long as the machine runs. */
export const domainAgentSetResponseTimeout = idempotent(
  'DOMAIN_AGENT_SET_RESPONSE_TIMEOUT',
  420,
  struct({ ...domain, timeout: int, flags: uint }),
  mapped(
    struct({ result: int }),
    () => undefined,
    () => ({ result: 0 }),
  ),
);

/** `expires` in seconds since 1970, 0 for never; `type` 0 is IPv4. */
const lease = struct({
  interface: string,
  expires: hyper,
  type: int,
  macAddress: optionalString,
  iaid: optionalString,
  address: string,
  prefix: uint,
  hostname: optionalString,
  clientId: optionalString,
});
/** With no `macAddress`: of all. */
export const networkGetDhcpLeases = idempotent(
  'NETWORK_GET_DHCP_LEASES',
  341,
  struct({ network: networkHandle, macAddress: optionalString, wanted: always(int, 1), flags: uint }),
  mapped(
    struct({ leases: array(lease, limits.leases), count: uint }),
    ({ leases }) => leases,
    (leases) => ({ leases, count: leases.length }),
  ),
);
