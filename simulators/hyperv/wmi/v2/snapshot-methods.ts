import { codes, Refusal } from '../../cim/codes.js';
import type { Input } from '../../cim/namespace.js';
import type { CimObject } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import { applySnapshot, destroySnapshot, takeSnapshot } from '../../model/snapshots.js';
import { machineOf } from '../machine-methods.js';
import { type Methods, oneObject, serviceMethods, text } from '../methods.js';
import type { V2Objects } from './objects.js';
import { type FoundSnapshot, snapshotOf } from './snapshots.js';

/** Of `SnapshotType`. */
const [full, disks] = ['2', '3'];

/** Checkpoints: always by a job. */
export function snapshotMethods(host: Host, shown: V2Objects): Methods {
  const acts = {
    CreateSnapshot: async (input: Input) => {
      const machine = machineOf(host, oneObject(input, 'AffectedSystem'));
      const type = text(input, 'SnapshotType');
      if (type !== full && type !== disks) throw new Refusal(codes.cim.invalidParameter, `'${type}' is no type of checkpoint.`);
      return { ResultingSnapshot: shown.snapshot(machine, await takeSnapshot(host, machine, type === disks)) };
    },
    ApplySnapshot: async (input: Input) => {
      const { machine, snapshot } = mustBeSnapshot(host, oneObject(input, 'Snapshot'));
      await applySnapshot(host, machine, snapshot);
      return {};
    },
    DestroySnapshot: async (input: Input) => {
      const { machine, snapshot } = mustBeSnapshot(host, oneObject(input, 'AffectedSnapshot'));
      await destroySnapshot(host, machine, snapshot);
      return {};
    },
  };
  return serviceMethods(host, 'Msvm_VirtualSystemSnapshotService', acts, { isLong: true });
}

function mustBeSnapshot(host: Host, of: CimObject): FoundSnapshot {
  const found = snapshotOf(host, of);
  if (found === undefined) throw new Refusal(codes.cim.invalidParameter, 'That is no checkpoint.');
  return found;
}
