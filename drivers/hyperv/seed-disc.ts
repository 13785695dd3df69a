import { createHash } from 'node:crypto';
import type { MachineSeed, SeedKind } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Bus } from './wmi/drives.js';

/** What the drive is called in the notes that has the disc: no manifest can call one of its own so. */
export const seedDrive = '(seed)';

const pattern = /^(virtwright-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-seed-)[0-9a-f]{16}\.iso(\.part)?$/;

export const isOnDisc = (kind: SeedKind): boolean => kind !== 'Ignition';

/** A disc's file, in lower case as WMI tells it: another content has another, and another machine, too. */
export function discName(uuid: string, { kind, location }: Pick<MachineSeed, 'kind' | 'location'>): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([kind, location]))
    .digest('hex');
  return `virtwright-${uuid.toLowerCase()}-seed-${digest.slice(0, 16)}.iso`;
}

/** Whether a file is a disc of ours, or a half of one: people neither see nor name it as a volume. */
export const isSeedDisc = (path: string): boolean => pattern.test(nameIn(path));

/** Whether it is a whole one of that machine, on a drive of the host's. Whoever may edit notes may name any file there, which our account could delete. */
export const isDiscOf = (uuid: string, path: string): boolean =>
  /^[a-z]:\\/i.test(path) && /\.iso$/i.test(path) && isInSeriesOf(uuid, path);

/** The same of a half of one, too. */
export const isInSeriesOf = (uuid: string, path: string): boolean =>
  isSeedDisc(path) && nameIn(path).startsWith(`virtwright-${uuid.toLowerCase()}-seed-`);

/** Whether both are discs of one machine, in whatever folder. */
export function isSameSeries(one: string, other: string): boolean {
  const [its, others] = [one, other].map((path) => pattern.exec(nameIn(path))?.[1]);
  return its !== undefined && its === others;
}

export const folderIn = (path: string): string => path.slice(0, path.lastIndexOf('\\')).toLowerCase();

export const nameIn = (path: string): string => path.slice(path.lastIndexOf('\\') + 1).toLowerCase();

/** Generation 1 has discs on IDE alone, and generation 2 has no IDE. */
export const discBus = (generation: 1 | 2): Bus => (generation === 1 ? 'IDE' : 'SCSI');

/** Said before anything is made. `takers` are in the places of that bus, of which there are `room`. @throws DriverError Unsupported */
export function checkDiscPlace({ kind }: Pick<MachineSeed, 'kind'>, bus: Bus, takers: readonly string[], room: number): void {
  if (!isOnDisc(kind) || takers.length < room) return;
  throw new DriverError(
    'Unsupported',
    `${seedField(kind)}: its disc needs one of the machine's ${room} places on ${bus}, which ${takers.join(', ')} take; put one of them on another bus, or take it out`,
  );
}

export const seedField = (kind: SeedKind): string => `${kind[0]?.toLowerCase() ?? ''}${kind.slice(1)}`;
