import { DriverError, type DriverErrorCode } from '#drivers/error.js';

export type Meaning = readonly [DriverErrorCode, string];

const noWay: Meaning = ['Unavailable', 'there is no way to it: check network and firewall'];
const broke: Meaning = ['Unavailable', 'the connection broke: check the port, and look into the log of the daemon'];

/** The kernel's names of what went wrong on the way. */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: ['Unavailable', 'its name is not known: check the URI, and DNS'],
  EAI_AGAIN: ['Unavailable', 'its name cannot be looked up now: check DNS'],
  EHOSTUNREACH: noWay,
  ENETUNREACH: noWay,
  ETIMEDOUT: ['Unavailable', 'it does not answer: check network and firewall'],
  ECONNRESET: broke,
  EPIPE: broke,
};

/** What a failed connection means, told with its remedy; `more` are meanings that a transport adds. */
export function networkError(peer: string, reason: unknown, more: Readonly<Record<string, Meaning>>): DriverError {
  if (reason instanceof DriverError) return reason;
  const code = codeOf(reason) ?? '';
  const words = reason instanceof Error ? reason.message : String(reason);
  const [meaning, remedy] = more[code] ?? meanings[code] ?? (['Unavailable', `the connection failed: ${words}`] as const);
  return new DriverError(meaning, `${peer}: ${remedy}${code === '' ? '' : ` (${code})`}`, { cause: reason });
}

/** Of several addresses that were tried, the first one's. */
export function codeOf(reason: unknown): string | undefined {
  if (reason instanceof AggregateError) return codeOf(reason.errors[0]);
  return reason instanceof Error && 'code' in reason && typeof reason.code === 'string' ? reason.code : undefined;
}
