import { DriverError, type DriverErrorCode } from '#drivers/error.js';

/** What is asked for, or undefined when the host says that it is not there. */
export function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((reason) => {
    if (hasCode(reason, 'NotFound')) return undefined;
    throw reason;
  });
}

/** What is asked for, or undefined when the host knows nothing of such a thing. */
export function unlessUnknown<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((reason) => {
    if (hasCode(reason, 'Unsupported')) return undefined;
    throw reason;
  });
}

/**
 * When the host says that it is not the time for it, but all is as wanted, that is success. Some of libvirt's drivers say so as an internal
 * error.
 */
export async function unlessAlready(isSo: () => Promise<boolean>, act: Promise<unknown>): Promise<void> {
  try {
    await act;
  } catch (reason) {
    if (!hasCode(reason, 'Conflict') && !hasCode(reason, 'Internal')) throw reason;
    if (!(await isSo())) throw reason;
  }
}

export function hasCode(reason: unknown, code: DriverErrorCode): boolean {
  return reason instanceof DriverError && reason.code === code;
}

/** Those that are there. */
export function present<T>(found: readonly (T | undefined)[]): readonly T[] {
  return found.filter((each) => each !== undefined);
}
