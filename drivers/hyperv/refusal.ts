import { DriverError } from '#drivers/error.js';

/** What stands behind that somebody knows the way in, and not us. */
const refusedCause = Symbol('a refused login');

/** That somebody knows the way in, and not us: the same is not tried again at once, as accounts are locked by that. */
export const refusal = (message: string): DriverError => new DriverError('Denied', message, { cause: refusedCause });

export const isRefusedLogin = ({ cause }: DriverError): boolean => cause === refusedCause;
