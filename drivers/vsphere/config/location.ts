import { DriverError } from '#drivers/error.js';

/** A file on a datastore, as vSphere writes it: `[ssd 1] virtwright/db.vmdk`. */
export interface Location {
  readonly datastore: string;
  readonly path: string;
}

export function locationText({ datastore, path }: Location): string {
  return `[${datastore}] ${path}`;
}

/** A name may itself hold brackets: it is the longest part that a bracket and a blank end, and that has a path behind it. */
export function parseLocation(text: string): Location | undefined {
  const [, datastore, path] = /^\[(.+)\] (.+)$/.exec(text) ?? [];
  return datastore === undefined || path === undefined ? undefined : { datastore, path };
}

/** @throws DriverError Invalid */
export function checkLocation(field: string, text: string): Location {
  const location = parseLocation(text);
  if (location !== undefined && !location.path.split('/').some((part) => ['', '.', '..'].includes(part)) && location.path.endsWith('.vmdk'))
    return location;
  throw new DriverError(
    'Invalid',
    `${field}: ${JSON.stringify(text)} was given; accepted: a disk on a datastore, as "[datastore] folder/disk.vmdk"`,
  );
}
