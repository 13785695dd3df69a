import { codes, Refusal } from '../../cim/codes.js';
import type { Input } from '../../cim/namespace.js';
import { type CimObject, textOfValue } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import { applySnapshot, destroySnapshot, takeSnapshot } from '../../model/snapshots.js';
import { machineOf } from '../machine-methods.js';
import { type Methods, oneObject, serviceMethods } from '../methods.js';
import type { V1Objects } from './objects.js';

/** Checkpoints, which were called snapshots then: always by a job. */
export function snapshotMethods(host: Host, shown: V1Objects): Methods {
  const acts = {
    CreateVirtualSystemSnapshot: async (input: Input) => {
      const machine = machineOf(host, oneObject(input, 'SourceSystem'));
      return { SnapshotSettingData: shown.snapshot(machine, await takeSnapshot(host, machine)) };
    },
    ApplyVirtualSystemSnapshotEx: async (input: Input) => {
      const { machine, snapshot } = found(host, oneObject(input, 'SnapshotSettingData'));
      await applySnapshot(host, machine, snapshot);
      return {};
    },
    RemoveVirtualSystemSnapshot: async (input: Input) => {
      const { machine, snapshot } = found(host, oneObject(input, 'SnapshotSettingData'));
      await destroySnapshot(host, machine, snapshot);
      return {};
    },
  };
  return serviceMethods(host, 'Msvm_VirtualSystemManagementService', acts, { isLong: true });
}

function found(host: Host, of: CimObject) {
  const machine = machineOf(host, { className: '', values: { Name: textOfValue(of, 'SystemName') } });
  const snapshot = machine.snapshots.find(({ id }) => `Microsoft:${id}` === textOfValue(of, 'InstanceID'));
  if (snapshot === undefined) throw new Refusal(codes.invalidParameter, 'That is no snapshot.');
  return { machine, snapshot };
}
