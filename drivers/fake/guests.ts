import type { GuestSight, Guests } from '#drivers/driver.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';
import { mustRun } from './machines.js';

/** A guest nobody has spoken of has no agent. One that hangs says nothing, and is told as that. */
function sightOf(host: FakeHost<Clock>, machine: FakeMachine): GuestSight {
  const { guest, live } = machine;
  const { agent = 'Disconnected', addresses = [], ...said } = guest.sight ?? {};
  const heard = guest.hung === true && agent === 'Connected' ? 'Silent' : agent;
  const isHeard = live?.guestAgent === true && heard === 'Connected';
  return structuredClone({
    ...(live?.guestAgent === true ? { agent: heard } : {}),
    ...(isHeard ? said : {}),
    addresses: [...addresses.filter(({ source }) => source !== 'Agent' || isHeard), ...host.leasesOf(machine)],
  });
}

export function guestsOf(host: FakeHost<Clock>, connection: Connection): Guests {
  return {
    look: (id, signal) =>
      connection.ask({ verb: 'guests.look', of: host.machines.get(id)?.nativeName ?? id }, signal, () => sightOf(host, mustRun(host, id))),
  };
}
