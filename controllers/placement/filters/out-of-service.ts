import { isOutOfService } from '../../out-of-service.js';
import type { Filter } from './filter.js';

export const outOfService: Filter = (_request, hypervisor) =>
  isOutOfService(hypervisor) ? { reason: 'OutOfService', message: 'it is out of service' } : undefined;

/** What its agent is about to take away there must not be taken for the machine itself. */
export const orphaned: Filter = ({ machine }, { status }) =>
  status?.orphans?.objects?.some(({ uid }) => uid === machine.metadata.uid) === true
    ? { reason: 'Orphaned', message: 'what was left of the machine there, from when it was out of service, has not been taken away yet' }
    : undefined;
