import type { Host } from '../../model/host.js';
import type { Power } from '../../model/power.js';
import { kvpMethods } from '../kvp.js';
import { commonMethods } from '../machine-methods.js';
import type { Methods } from '../methods.js';
import { imageMethods } from './image-methods.js';
import type { V1Objects } from './objects.js';
import { resourceMethods } from './resource-methods.js';
import { snapshotMethods } from './snapshot-methods.js';
import { switchMethods } from './switch-methods.js';
import { systemMethods } from './system-methods.js';
import { wiringMethods } from './wiring-methods.js';

/** The methods of version 1: other names for much the same. */
export function v1Methods(host: Host, power: Power, shown: V1Objects): Methods {
  return {
    ...commonMethods(host, power),
    ...kvpMethods(host),
    ...systemMethods(host, shown),
    ...resourceMethods(host, shown),
    ...snapshotMethods(host, shown),
    ...switchMethods(host, shown.switches),
    ...wiringMethods(host, shown.wiring),
    ...imageMethods(host),
  };
}
