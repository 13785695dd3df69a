import { Refusals } from '#drivers/https/refusals.js';
import { isFault } from './soap/driver-error.js';

export const refusals = new Refusals((reason) => isFault(reason, 'InvalidLogin'));
