import type { Hypervisor } from '#crds/types.js';
import type { Request } from '../request.js';

/** How well a host that suits would do, from 0 to 1. Pure. */
export type Score = (request: Request, hypervisor: Hypervisor) => number;
