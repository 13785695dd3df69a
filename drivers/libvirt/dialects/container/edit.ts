import type { MachineDefinition, Mark } from '#drivers/driver.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { type Edit, edited, inDevices, inOs } from '../../xml/edit.js';
import { withInterfaces } from '../../xml/interface.js';
import { withShares } from '../../xml/shares.js';
import { withCpuCount, withMemory } from '../../xml/sizes.js';
import { checkContainer, containerOf } from './check.js';
import { withConsole } from './console.js';
import { withDiskLimits } from './disk-limits.js';
import { withInit } from './init.js';
import { withHardLimit, withQuota } from './limits.js';
import { withMountGuard } from './mount-guard.js';
import { withOwnNetwork } from './own-network.js';
import { withDirectories } from './root.js';
import { withUidMap } from './uid-map.js';

const edits: readonly Edit[] = [
  withQuota,
  withCpuCount,
  withShares,
  withMemory,
  withHardLimit,
  withDiskLimits,
  withUidMap,
  withMountGuard,
  inOs((os, definition) => withInit(os, containerOf(definition).init)),
  inDevices((devices, definition) => {
    const { root, mounts = [] } = containerOf(definition);
    return withDirectories(devices, root, mounts);
  }),
  withOwnNetwork,
  inDevices((devices, { interfaces, uuid }) => withInterfaces(devices, interfaces, uuid, { model: undefined })),
  inDevices((devices, { serial }) => withConsole(devices, serial)),
];

/** @throws DriverError Invalid when the definition cannot be said exactly */
export function editContainer(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement {
  checkContainer(definition);
  return edited(domain, definition, mark, edits);
}
