import { XdrError } from './bytes.js';
import {
  always,
  array,
  type Codec,
  type Decoded,
  double,
  fixedOpaque,
  hyper,
  int,
  mapped,
  optional,
  string as stringUpTo,
  struct,
  uhyper,
  uint,
} from './xdr.js';

/** What libvirt's protocol accepts at most: strings in bytes, lists in elements (remote_protocol.x). */
export const limits = { string: 4_194_304, list: 16_384, statsParams: 262_144, authTypes: 20 } as const;

export const string = stringUpTo(limits.string);
export const optionalString = optional(string);

function fromUuid(text: string): Uint8Array {
  const hex = text.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new XdrError(`${JSON.stringify(text)} given, a UUID expected`);
  return Buffer.from(hex, 'hex');
}

const uuidBytes = fixedOpaque(16);

/** 16 bytes, as lower-case text with dashes. */
export const uuid: Codec<string> = {
  encode: (text, writer) => uuidBytes.encode(fromUuid(text), writer),
  decode(reader) {
    const hex = reader.text(16, 'hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
};

/** How the protocol names a machine. The host looks it up by uuid; id is -1 while it is off. */
export const domainHandle = struct({ name: string, uuid, id: int });
export type DomainHandle = Decoded<typeof domainHandle>;

/** Enough of a handle for every call about a machine that is known by its uuid: spares looking it up first. */
export function domainByUuid(uuid: string): DomainHandle {
  return { name: '', uuid, id: -1 };
}

export const networkHandle = struct({ name: string, uuid });
export type NetworkHandle = Decoded<typeof networkHandle>;

export const networkPortHandle = struct({ network: networkHandle, uuid });

export const poolHandle = struct({ name: string, uuid });
export type PoolHandle = Decoded<typeof poolHandle>;

/** As `domainByUuid`. */
export function poolByUuid(uuid: string): PoolHandle {
  return { name: '', uuid };
}

/** `pool` is the pool's name; `key` is unique on the host, for file volumes their path. */
export const volumeHandle = struct({ pool: string, name: string, key: string });
export type VolumeHandle = Decoded<typeof volumeHandle>;

/** Lists can be asked for their length alone; we always want the elements. */
export const elementsWanted = always(int, 1);

/** What a list procedure answers: the elements, then how many there are, which we can count. */
export function listOf<T>(codec: Codec<T>): Codec<readonly T[]> {
  return mapped(
    struct({ elements: array(codec, limits.list), count: uint }),
    ({ elements }) => elements,
    (elements) => ({ elements, count: elements.length }),
  );
}

export type TypedValue =
  | { readonly kind: 'int' | 'uint' | 'double'; readonly value: number }
  | { readonly kind: 'llong' | 'ullong'; readonly value: bigint }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string };

const typedValues = {
  int: { tag: 1, codec: int },
  uint: { tag: 2, codec: uint },
  llong: { tag: 3, codec: hyper },
  ullong: { tag: 4, codec: uhyper },
  double: { tag: 5, codec: double },
  boolean: { tag: 6, codec: mapped(int, Boolean, Number) },
  string: { tag: 7, codec: string },
} as const;

const kindsByTag = new Map(Object.entries(typedValues).map(([kind, { tag }]) => [tag, kind as TypedValue['kind']]));

const typedValue: Codec<TypedValue> = {
  encode({ kind, value }, writer) {
    int.encode(typedValues[kind].tag, writer);
    (typedValues[kind].codec as Codec<typeof value>).encode(value, writer);
  },
  decode(reader) {
    const tag = int.decode(reader);
    const kind = kindsByTag.get(tag as 1);
    if (kind === undefined) throw new XdrError(`at byte ${reader.offset}: parameter type ${tag} received, 1 to 7 expected`);
    return { kind, value: typedValues[kind].codec.decode(reader) } as TypedValue;
  },
};

/** libvirt's open-ended named parameters (virTypedParameter). */
export const typedParam = struct({ field: string, value: typedValue });
export type TypedParam = Decoded<typeof typedParam>;

export const statsRecord = struct({ domain: domainHandle, params: array(typedParam, limits.statsParams) });
export type StatsRecord = Decoded<typeof statsRecord>;

/** Parameters by name; a later one of the same name wins. */
export function paramsByField(params: readonly TypedParam[]): ReadonlyMap<string, TypedValue['value']> {
  return new Map(params.map(({ field, value }) => [field, value.value]));
}

/** What the host says went wrong (virNetMessageError); the handles are not used by it any more. */
export const remoteError = struct({
  code: int,
  domain: int,
  message: optionalString,
  level: int,
  machine: optional(domainHandle),
  str1: optionalString,
  str2: optionalString,
  str3: optionalString,
  int1: int,
  int2: int,
  network: optional(networkHandle),
});
export type RemoteError = Decoded<typeof remoteError>;
