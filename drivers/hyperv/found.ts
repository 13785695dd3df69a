import { baseOf, isCheckpoint } from './devices.js';
import type { Adopted, Owned, OwnedDrive } from './notes.js';
import { mayBePool } from './pool-path.js';
import { isDiscOf, isSeedDisc, seedDrive } from './seed-disc.js';
import type { Card } from './wmi/cards.js';
import type { Bus, Controller, Drive } from './wmi/drives.js';
import type { MachineParts } from './wmi/parts.js';

/** What of a machine that others made is called what, once it is ours. */
export interface FoundNames {
  readonly owned: Owned;
  /** Of cards whose own names are not fit for a manifest. */
  readonly cards: NonNullable<Adopted['cards']>;
  /** One of a seed of ours, for this very machine, whose notes were lost. */
  readonly disc?: string;
  /** What we have no words for, for people. */
  readonly kept: readonly string[];
}

/** Drives are called by their place, as PowerShell counts them: controller and location; that of a seed's disc as ours is; cards by their names, or by their order. */
export function namesFor(
  { parts, networks }: { readonly parts: MachineParts; readonly networks: ReadonlyMap<string, string> },
  uuid: string,
): FoundNames {
  const disc = parts.drives.find(({ kind, image }) => kind === 'dvd' && image !== undefined && isDiscOf(uuid, image.file));
  const drives = parts.drives.filter((drive) => drive !== disc).map((drive) => ({ drive, name: driveName(parts.controllers, drive) }));
  const named = drives.filter(({ drive }) => isSayable(drive));
  const isOnNetwork = ({ switchId }: Card) => switchId !== undefined && networks.has(switchId);
  const cards = cardNames(parts.cards.filter(isOnNetwork), parts.cards);
  return {
    owned: {
      drives: [...named.map(({ drive, name }) => ownedDrive(drive, name)), ...(disc === undefined ? [] : [ownedDrive(disc, seedDrive)])],
      cards: cards.map(({ name }) => name),
    },
    ...(disc?.image === undefined ? {} : { disc: disc.image.file.toLowerCase() }),
    cards: Object.fromEntries(cards.flatMap(({ name, card }) => (name === card.name ? [] : [[name, card.key]]))),
    kept: [
      ...drives.flatMap(({ drive, name }) => (isSayable(drive) ? [] : [driveText(drive, name)])),
      ...parts.cards.filter((card) => !isOnNetwork(card)).map(({ name, macAddress }) => `interface ${name} ${macAddress}`.trim()),
      ...(parts.drives.some(({ image }) => image !== undefined && isCheckpoint(image.file)) ? ['checkpoints'] : []),
    ],
  };
}

/** Cards as they are called by us, as long as they are there; another that has such a name is called by what no other has. */
export function withNames(parts: MachineParts, cards: Adopted['cards'] = {}): MachineParts {
  const there = Object.entries(cards).filter(([, key]) => parts.cards.some((card) => card.key === key));
  if (there.length === 0) return parts;
  const nameOf = ({ key, name }: Card) =>
    there.find((each) => each[1] === key)?.[0] ?? (there.some(([taken]) => taken === name) ? key : name);
  return { ...parts, cards: parts.cards.map((card) => ({ ...card, name: nameOf(card) })) };
}

/** A disk is a file of its own, and so is a disc; one that no pool has, as Windows' own `vmguest.iso`, is left in its drive, as no volume can be made of it. */
function isSayable({ kind, image, isPhysical }: Drive): boolean {
  if (isPhysical === true) return false;
  if (image === undefined) return kind === 'dvd';
  return kind === 'disk' ? /\.vhdx?$/.test(baseOf(image.file)) : isDisc(image.file) && mayBePool(folderOf(image.file));
}

/** One that a seed left, in whatever machine, is in no pool. */
const isDisc = (file: string): boolean => /\.iso$/i.test(file) && !isSeedDisc(file);

const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('\\'));

const ownedDrive = ({ at, image }: Drive, name: string): OwnedDrive => ({
  name,
  at,
  ...(image === undefined ? {} : { file: baseOf(image.file) }),
});

function driveName(controllers: readonly Controller[], { bus, at }: Drive): string {
  const ofBus = (wanted: Bus) => controllers.filter((each) => each.bus === wanted);
  const number = ofBus(bus).findIndex(({ key }) => at.startsWith(`${key} `));
  return `${bus.toLowerCase()}${number}-${at.slice(at.lastIndexOf(' ') + 1)}`;
}

const driveText = ({ kind, image, isPhysical }: Drive, name: string): string =>
  [kind === 'disk' ? 'disk' : 'cdrom', name, isPhysical && "(a disk of the host's)", image && `(${image.file})`].filter(Boolean).join(' ');

/** In their order. A name that two have, or that a manifest does not take, is none. */
function cardNames(cards: readonly Card[], all: readonly Card[]): readonly { readonly name: string; readonly card: Card }[] {
  const isFit = ({ name }: Card) =>
    /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name) && all.filter((each) => each.name === name).length === 1;
  const taken = new Set(all.map(({ name }) => name));
  return cards.map((card) => {
    if (isFit(card)) return { name: card.name, card };
    let order = 0;
    while (taken.has(`nic${order}`)) order += 1;
    taken.add(`nic${order}`);
    return { name: `nic${order}`, card };
  });
}
