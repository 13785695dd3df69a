import type { ComPortName, MachineCdrom, MachineDisk, MachineInterface, MachineSeed, Mark } from '#drivers/driver.js';
import { asciiJson, decodeOwner, markRecord, parseJson } from '#drivers/owner.js';
import { isDiscOf } from './seed-disc.js';
import { type Startup, startups } from './wmi/startup.js';

/** Hardware that a machine gets at its next start, where it differs: Hyper-V has but one definition, and a running machine lives by it. */
export interface Next {
  readonly cpuCount?: number;
  readonly memoryBytes?: number;
  readonly minMemoryBytes?: number;
  readonly maxMemoryBytes?: number;
  readonly memoryBufferPercent?: number;
  readonly comPorts?: readonly ComPortName[];
  readonly secureBoot?: boolean;
  readonly disks?: readonly MachineDisk[];
  readonly cdroms?: readonly MachineCdrom[];
  readonly interfaces?: readonly MachineInterface[];
  /** Null: none any more. */
  readonly seed?: SeedNote | null;
}

/** What the guest is told, by its name: what it is stands elsewhere. */
export type SeedNote = Pick<MachineSeed, 'kind' | 'location'>;

/** Not whole from before the first of it is written or taken away until the last is: what the guest would read then is nothing that anybody asked for. */
export type HeldSeed = SeedNote & {
  readonly whole?: false;
  /** Discs of ours that may be on the host; of a whole one there is but its own. */
  readonly files?: readonly string[];
};

/** Which of a machine's drives and cards are ours, and what they are called: a drive has no name of its own. */
export interface Owned {
  /** In the manifest's order. */
  readonly drives: readonly OwnedDrive[];
  /** Names of cards, in the manifest's order. */
  readonly cards: readonly string[];
}

/** Where a drive is, and the file that we put in, which a checkpoint puts others over. */
export interface OwnedDrive {
  readonly name: string;
  readonly at: string;
  readonly file?: string;
}

/** Of a machine that others made. */
export interface Adopted {
  /** Where the host was to start it by itself. */
  readonly startup?: Startup;
  /** Which of its cards is called what, by the part of its InstanceID that is its own: their own names may be anything. */
  readonly cards?: Readonly<Record<string, string>>;
}

/** Of which checkpoint this is told: in its own notes, and in the machine's while it is taken, of which the host makes those. */
export interface CheckpointNote {
  readonly key: string;
  readonly memory: boolean;
  /** What the guest was told when it was taken: the host brings that back with it. */
  readonly seed?: SeedNote;
}

export const nothingOwned: Owned = { drives: [], cards: [] };

/** What we keep in a machine. */
export interface Kept {
  /** The machine's; it is found by this where its firmware lost it. */
  readonly uuid: string;
  /** The host's own for the machine, by which the line of a copy is told from its own: from the first definition on. In upper case. */
  readonly id?: string;
  readonly mark: Mark;
  readonly next: Next;
  readonly owned: Owned;
  readonly adopted?: Adopted;
  readonly checkpoint?: CheckpointNote;
  /** Whether there may be anything of it on the host: as long as there may, this stands here. */
  readonly seed?: HeldSeed | undefined;
}

/** What the guest is told, all of which is there. */
export function wholeSeed(kept: Pick<Kept, 'seed'> | undefined): SeedNote | undefined {
  if (kept?.seed === undefined || kept.seed.whole === false) return undefined;
  const { kind, location } = kept.seed;
  return { kind, location };
}

export const comPortNames: readonly ComPortName[] = ['COM1', 'COM2'];

/** Our line among the notes; the others are people's. */
const begin = 'virtwright: ';

/** What we keep; undefined when there is nothing of ours that is whole. People may begin lines as we do. */
export const readKept = (notes: readonly string[]): Kept | undefined => readAllKept(notes)[0];

/** Of other machines, too, whose notes somebody pasted there: see `keptOf`. */
export function readAllKept(notes: readonly string[]): readonly Kept[] {
  const lines = notes.flatMap(linesOf).filter((each) => each.startsWith(begin));
  return lines.map(readLine).filter((kept) => kept !== undefined);
}

function readLine(line: string): Kept | undefined {
  const said = recordOf(parseJson(line.slice(begin.length)));
  const owner = decodeOwner(said['owner']);
  const { uuid, id, record } = said;
  if (owner === undefined || typeof uuid !== 'string') return undefined;
  const mark = { owner, record: typeof record === 'string' ? record : '' };
  const adopted = readAdopted(said['adopted']);
  const checkpoint = readCheckpoint(said['checkpoint']);
  const seed = readHeld(said['seed'], uuid);
  return {
    ...{ uuid, mark, next: readNext(said['next']), owned: readOwned(said['owned']) },
    ...(typeof id === 'string' && { id }),
    ...(adopted === undefined ? {} : { adopted }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** The notes with what is kept, at the end of the first; all else in them stays. @throws DriverError Invalid for a record that is too long */
export function withKept(notes: readonly string[], { uuid, id, mark, next, owned, adopted, checkpoint, seed }: Kept): readonly string[] {
  const { cluster, namespace, name, uid } = mark.owner;
  const owner = { cluster, namespace, name, uid };
  const said = {
    uuid,
    ...(id === undefined ? {} : { id }),
    owner,
    record: markRecord(mark.record),
    ...(Object.keys(next).length === 0 ? {} : { next }),
    ...(owned.drives.length + owned.cards.length === 0 ? {} : { owned }),
    ...(adopted === undefined ? {} : { adopted }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(seed === undefined ? {} : { seed }),
  };
  const [first = '', ...others] = withoutKept(notes);
  return [`${first}${first === '' ? '' : '\n'}${begin}${asciiJson(said)}`, ...others];
}

/** As they are without us, to the letter; there is always one, as Hyper-V has it. */
export const withoutKept = (notes: readonly string[]): readonly string[] => (notes.length === 0 ? [''] : notes.map(withoutOurs));

/** Our line alone, for who may not be told what people wrote: that there is something they see. */
export const withoutTheirs = (notes: readonly string[]): readonly string[] =>
  notes.map((text) => {
    const ours = linesOf(text).filter((line) => readKept([line]) !== undefined);
    return [...(withoutOurs(text).trim() === '' ? [] : ['***']), ...ours].join('\n');
  });

const linesOf = (text: string): readonly string[] => text.split(/\r?\n/);

/** Whatever follows our line was written by others, who do not know that it is one. The break before it is ours, and so is a line that was torn. */
const withoutOurs = (text: string): string =>
  text.replace(/\r?\nvirtwright: {"uuid":[^\n]*?(?=\r?\n|$)/g, '').replace(/^virtwright: {"uuid":[^\n]*?(\r?\n|$)/, '');

function readNext(value: unknown): Next {
  const {
    cpuCount,
    memoryBytes,
    minMemoryBytes,
    maxMemoryBytes,
    memoryBufferPercent,
    comPorts,
    secureBoot,
    disks,
    cdroms,
    interfaces,
    seed,
  } = recordOf(value);
  const told = readSeed(seed);
  return {
    ...(typeof cpuCount === 'number' && { cpuCount }),
    ...(typeof memoryBytes === 'number' && { memoryBytes }),
    ...(typeof minMemoryBytes === 'number' && { minMemoryBytes }),
    ...(typeof maxMemoryBytes === 'number' && { maxMemoryBytes }),
    ...(typeof memoryBufferPercent === 'number' && { memoryBufferPercent }),
    ...(Array.isArray(comPorts) && { comPorts: comPortNames.filter((name) => comPorts.includes(name)) }),
    ...(typeof secureBoot === 'boolean' && { secureBoot }),
    ...(Array.isArray(disks) && { disks: disks.flatMap(readDisk) }),
    ...(Array.isArray(cdroms) && { cdroms: cdroms.flatMap(readCdrom) }),
    ...(Array.isArray(interfaces) && { interfaces: interfaces.flatMap(readInterface) }),
    ...(seed === null && { seed }),
    ...(told !== undefined && { seed: told }),
  };
}

/** Whoever edits notes may leave anything there: what is not whole is not read. */
function readDisk(value: unknown): readonly MachineDisk[] {
  const { name, location, format, bus } = recordOf(value);
  if (typeof name !== 'string' || typeof location !== 'string' || (format !== 'Vhdx' && format !== 'Vhd')) return [];
  return isBus(bus) ? [{ name, location, format, bus }] : [];
}

function readCdrom(value: unknown): readonly MachineCdrom[] {
  const { name, location, bus } = recordOf(value);
  if (typeof name !== 'string' || !isBus(bus)) return [];
  return [{ name, bus, ...(typeof location === 'string' && { location }) }];
}

function readInterface(value: unknown): readonly MachineInterface[] {
  const { name, network, macAddress, vlan } = recordOf(value);
  if (typeof name !== 'string' || typeof network !== 'string' || typeof macAddress !== 'string') return [];
  return [{ name, network, model: 'Synthetic', macAddress, ...(typeof vlan === 'number' && { vlan }) }];
}

const isBus = (value: unknown): value is 'IDE' | 'SCSI' => value === 'IDE' || value === 'SCSI';

function readOwned(value: unknown): Owned {
  const { drives, cards } = recordOf(value);
  return {
    drives: Array.isArray(drives) ? drives.flatMap(readDrive) : [],
    cards: Array.isArray(cards) ? cards.filter((each) => typeof each === 'string') : [],
  };
}

function readAdopted(value: unknown): Adopted | undefined {
  if (value === undefined) return undefined;
  const { startup: action, cards } = recordOf(value);
  const startup = startups.find((each) => each === action);
  const names = Object.entries(recordOf(cards)).filter((each): each is [string, string] => typeof each[1] === 'string');
  return {
    ...(startup === undefined ? {} : { startup }),
    ...(names.length > 0 && { cards: Object.fromEntries(names) }),
  };
}

function readCheckpoint(value: unknown): CheckpointNote | undefined {
  const { key, memory, seed } = recordOf(value);
  const told = readSeed(seed);
  return typeof key === 'string' && typeof memory === 'boolean'
    ? { key, memory, ...(told === undefined ? {} : { seed: told }) }
    : undefined;
}

function readSeed(value: unknown): SeedNote | undefined {
  const { kind, location } = recordOf(value);
  const known = seedKinds.find((each) => each === kind);
  return known !== undefined && typeof location === 'string' ? { kind: known, location } : undefined;
}

const seedKinds: readonly MachineSeed['kind'][] = ['Ignition', 'CloudInit', 'Sysprep'];

/** Whatever else it says of that, it is not known to be whole. */
function readHeld(value: unknown, uuid: string): HeldSeed | undefined {
  const seed = readSeed(value);
  if (seed === undefined) return undefined;
  const { whole, files } = recordOf(value);
  return {
    ...seed,
    ...(whole !== undefined && { whole: false }),
    ...(Array.isArray(files) && { files: files.filter((each) => typeof each === 'string' && isDiscOf(uuid, each)) }),
  };
}

function readDrive(value: unknown): readonly OwnedDrive[] {
  const { name, at, file } = recordOf(value);
  if (typeof name !== 'string' || typeof at !== 'string') return [];
  return [{ name, at, ...(typeof file === 'string' && { file }) }];
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
