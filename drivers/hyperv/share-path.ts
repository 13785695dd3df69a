import type { PoolDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { describeSource, uncOf } from '#drivers/pool-source.js';

const namePattern = /^[A-Za-z0-9_$-]([A-Za-z0-9 ._$-]*[A-Za-z0-9_$-])?$/;

/** The UNC path of the pool. @throws DriverError Unsupported for what is no share, and Invalid, naming the field */
export function checkedPath({ nativeName, source }: PoolDefinition): string {
  if (source.kind !== 'smb')
    throw new DriverError(
      'Unsupported',
      `pool "${nativeName}": ${describeSource(source)} was given, and folders are neither made nor unmade here; accepted: smb, or existing with one directly below a drive's root, or the one that Hyper-V puts disks in, in lower case, as "d:\\hyper-v"`,
    );
  if (!/^[\w.-]+( [\w.-]+)*$/.test(nativeName) || /^\.+$/.test(nativeName))
    throw new DriverError(
      'Invalid',
      `nativeName: ${JSON.stringify(nativeName)} was given; accepted: letters, digits, and - _ . between them`,
    );
  const { server, share, folder } = source;
  const parts = { share: [share], folder: folder?.split('\\') ?? [] };
  for (const [field, names] of Object.entries(parts))
    if (names.some((name) => !namePattern.test(name)))
      throw new DriverError(
        'Invalid',
        `smb.${field}: ${JSON.stringify(names.join('\\'))} was given; accepted: names of letters, digits, and - _ $ . between them`,
      );
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(server))
    throw new DriverError('Invalid', `smb.server: ${JSON.stringify(server)} was given; accepted: a host name or an IPv4 address`);
  return uncOf(source);
}
