import type { Hypervisor } from '#crds/types.js';
import { isReady } from '../conditions.js';
import { isOutOfService } from '../out-of-service.js';

/** Whether something new may be meant for the host: nobody wants it to be left alone. */
export const isOpen = (hypervisor: Hypervisor): boolean => hypervisor.spec.maintenance === 'None' && !isOutOfService(hypervisor);

/** Whether something can go there now. The filters `outOfService`, `ready` and `maintenance` say of the same why not. */
export const takesMachines = (hypervisor: Hypervisor): boolean => isOpen(hypervisor) && isReady(hypervisor);
