import type { Adoption, MachineId, Mark } from '#drivers/driver.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { FakeHost } from './host.js';
import { mustBelongTo, noMachine } from './machines.js';
import { mustBeMark } from './text.js';

type Host = FakeHost<Clock>;

function adopt(host: Host, id: MachineId, mark: Mark): void {
  mustBeMark(mark);
  const machine = host.machines.get(id);
  if (machine === undefined) throw noMachine(id);
  if (machine.mark !== undefined) mustBelongTo(machine, mark.owner);
  machine.remark(structuredClone(mark));
}

export function adoptionOf(host: Host, connection: Connection): Adoption {
  const of = (id: MachineId) => host.machines.get(id)?.nativeName ?? id;
  return {
    adopt: (id, mark, signal) =>
      connection.ask({ verb: 'adoption.adopt', of: of(id), machine: host.machines.get(id) }, signal, () => adopt(host, id, mark)),
    release: (id, owner, signal) =>
      connection.ask({ verb: 'adoption.release', of: of(id), machine: host.machines.get(id) }, signal, () => {
        const machine = host.machines.get(id);
        if (machine?.mark === undefined) return;
        mustBelongTo(machine, owner);
        machine.remark(undefined);
      }),
  };
}
