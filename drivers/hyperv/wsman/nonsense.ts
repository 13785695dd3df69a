import { DriverError } from '#drivers/error.js';

/** That a reply is not what WS-Management promises. */
export function nonsense(why: string, cause?: unknown): DriverError {
  return new DriverError('Internal', `the host's reply makes no sense: ${why}`, { cause });
}
