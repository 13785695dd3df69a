import type { Hypervisor } from '#crds/types.js';
import type { Objection } from '../objection.js';
import type { Request } from '../request.js';

/** Pure. */
export type Filter = (request: Request, hypervisor: Hypervisor) => Objection | undefined;
