import type { Reference } from '../wsman/instance.js';
import type { ObjectOf } from './class.js';
import { externalPort, switchPort } from './classes.js';
import type { SwitchEnds, SwitchPorts } from './switch-shape.js';
import { activeConnection, adapterEndpoint, internalPort } from './wiring-classes.js';
import type { Wmi } from './wmi.js';
import { beginning } from './wql.js';

const outsideEnd = ' ADAPTER';

/** Of version 1: which name of a switch of ours means what. The switch and its pieces are called so by us, and known by that. */
export const ownNames = (uuid: string) => ({
  /** Of a switch among machines, and of its adapter in the host. */
  plain: uuid.toUpperCase(),
  /** Of one that leads outside: from the call that makes it on, so that one whose adapter is still to come is not taken for the other. */
  outside: `${uuid.toUpperCase()}${outsideEnd}`,
  /** Of the mark: an adapter in the host that is joined to nothing, from before the first piece of one that leads outside until that does. */
  mark: `${uuid.toUpperCase()} BEGUN`,
  hostPort: `virtwright ${uuid.toLowerCase()} host`,
  adapterPort: `virtwright ${uuid.toLowerCase()} adapter`,
});

const ownId = /^([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})( ADAPTER)?$/;
const ownMark = /^([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}) BEGUN$/;

/** Undefined for a switch that others have given a name such as none of ours has. */
export const uuidOf = (id: string): string | undefined => ownId.exec(id)?.[1]?.toLowerCase();
export const isForAdapter = (id: string): boolean => ownId.exec(id)?.[2] !== undefined;

/** A network adapter of the host's that is, or may be, connected to a port of a switch. */
interface End {
  readonly adapter: Reference;
  readonly kind: 'host' | 'outside';
  readonly endpoint: Reference;
  readonly port: Reference | undefined;
}

export interface Wiring {
  readonly ends: readonly End[];
  /** Ports that we made, those of machines' cards among them; and all those of switches that are to lead outside, as anybody's machine may be at one. */
  readonly ports: readonly ObjectOf<typeof switchPort>[];
  readonly internal: readonly ObjectOf<typeof internalPort>[];
  readonly external: readonly ObjectOf<typeof externalPort>[];
}

/** In five questions, however many switches there are: the host's adapters are asked where they lead, as they are few, and ports are not. */
export async function readWiring(wmi: Wmi, signal: AbortSignal): Promise<Wiring> {
  const [adapters, connections, ports, internal, external] = await Promise.all([
    wmi.find(adapterEndpoint, {}, signal),
    wmi.find(activeConnection, {}, signal),
    wmi.select(switchPort, `${beginning('Name', ['virtwright '])} OR SystemName LIKE '%${outsideEnd}'`, signal),
    wmi.find(internalPort, {}, signal),
    wmi.find(externalPort, {}, signal),
  ]);
  const portOf = (endpoint: Reference) => connections.find(({ common }) => isSame(common.Dependent, endpoint))?.common.Antecedent;
  const ends = adapters.map(({ common: { Antecedent: adapter, Dependent: endpoint } }) => {
    const kind = /Msvm_InternalEthernetPort$/i.test(adapter.resourceUri) ? ('host' as const) : ('outside' as const);
    return { adapter, kind, endpoint, port: portOf(endpoint) };
  });
  return { ends, ports, internal, external };
}

/** What of a switch is connected, and which pieces of ours are there and are not. */
export interface Pieces {
  readonly host: readonly (End & { readonly port: Reference })[];
  readonly outside: readonly (End & { readonly port: Reference })[];
  readonly loosePorts: readonly ObjectOf<typeof switchPort>[];
  readonly looseAdapter: ObjectOf<typeof internalPort> | undefined;
  readonly mark: ObjectOf<typeof internalPort> | undefined;
  /** Cards are plugged into it, of whatever machines, on or off. */
  readonly hasCards: boolean;
}

export function piecesOf(wiring: Wiring, id: string): Pieces {
  const { ends, ports, internal } = wiring;
  const joined = ends.flatMap((end) => (end.port !== undefined && systemOf(end.port) === id ? [{ ...end, port: end.port }] : []));
  const names = ownNames(uuidOf(id) ?? '');
  const isJoined = (reference: Reference) => ends.some(({ port }) => port !== undefined && isSame(port, reference));
  const isOwn = ({ common }: ObjectOf<typeof switchPort>) => [names.hostPort, names.adapterPort].includes(common.Name.toLowerCase());
  const own = ports.filter(({ reference }) => systemOf(reference) === id);
  const looseNamed = (name: string) => internal.find((each) => each.common.Name?.toUpperCase() === name && isLoose(wiring, each));
  return {
    hasCards: own.some((each) => !isOwn(each) && !isJoined(each.reference)),
    host: joined.filter(({ kind }) => kind === 'host'),
    outside: joined.filter(({ kind }) => kind === 'outside'),
    loosePorts: own.filter((each) => isOwn(each) && !isJoined(each.reference)),
    looseAdapter: looseNamed(names.plain),
    mark: looseNamed(names.mark),
  };
}

/** What somebody joined to a switch is no piece of ours any more, whatever it is called. */
const isLoose = ({ ends }: Wiring, of: ObjectOf<typeof internalPort>): boolean =>
  !ends.some(({ adapter, port }) => port !== undefined && isSame(adapter, of.reference));

/** The uuids of which there are marks of ours, and what their switches are to be called. */
export async function marksOf(wmi: Wmi, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const uuidOfMark = ({ common }: ObjectOf<typeof internalPort>) => ownMark.exec(common.Name?.toUpperCase() ?? '')?.[1]?.toLowerCase();
  const all = await wmi.find(internalPort, {}, signal);
  // Next to never is there one: then nobody has to ask what it is joined to.
  if (!all.some((each) => uuidOfMark(each) !== undefined)) return new Map();
  const wiring = await readWiring(wmi, signal);
  const loose = wiring.internal.filter((each) => isLoose(wiring, each));
  return new Map(loose.flatMap((each) => [uuidOfMark(each) ?? []].flat().map((uuid) => [uuid, each.common.ElementName ?? ''] as const)));
}

/** Where these switches lead, by their names. */
export function portsIn(wiring: Wiring, ids: readonly string[]): ReadonlyMap<string, SwitchPorts> {
  return new Map(ids.map((id) => [id, portsOfOne(wiring, id)] as const));
}

function portsOfOne(wiring: Wiring, id: string): SwitchPorts {
  const { host, outside, loosePorts, looseAdapter, mark, hasCards } = piecesOf(wiring, id);
  const lacksAdapter = isForAdapter(id) && outside.length === 0;
  // The host and the adapter are joined in one call, and our machines come afterwards: what has either, and no mark, was whole, and people took its adapter away.
  const awaitsAdapter = lacksAdapter && host.length === 0 && (mark !== undefined || !hasCards);
  const ends = endsOf(wiring, host.length > 0 ? 'Attached' : 'Detached', outside);
  const hasLoose = !lacksAdapter && (loosePorts.length > 0 || looseAdapter !== undefined || mark !== undefined);
  const isBegun = uuidOf(id) !== undefined && (awaitsAdapter || hasLoose);
  const [insidePorts, outsidePorts] = [host, outside].map((all) => all.map(({ port }) => port));
  return { ends, inside: insidePorts ?? [], outside: outsidePorts ?? [], ...(isBegun ? { begun: { awaitsAdapter } } : {}) };
}

function endsOf({ external }: Wiring, host: SwitchEnds['host'], outside: Pieces['outside']): SwitchEnds | undefined {
  const [only, ...more] = outside;
  if (only === undefined) return { host };
  const device = external.find(({ reference }) => isSame(reference, only.adapter))?.common.ElementName;
  return device === undefined || more.length > 0 ? undefined : { device, host };
}

const systemOf = ({ selectors }: Reference): string | undefined => selectors['SystemName']?.toUpperCase();

export const isSame = (one: Reference, other: Reference): boolean => identity(one) === identity(other);

/** One for all ways to name an object: hosts do not mind the case of names, nor the order of keys. */
export const identity = ({ resourceUri, selectors }: Reference): string =>
  [resourceUri.slice(resourceUri.lastIndexOf('/') + 1), ...keysOf(selectors)].join('\n').toLowerCase();

/** Those that begin so say in which namespace it is, which some hosts tell and some do not. */
const keysOf = (selectors: Reference['selectors']): readonly string[] =>
  Object.entries(selectors)
    .filter(([name]) => !name.startsWith('__'))
    .map(([name, value]) => `${name}=${value}`)
    .sort();
