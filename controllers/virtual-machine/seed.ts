import type { StoragePoolInstance, VirtualMachine } from '#crds/types.js';
import type { MachineSeed, SeedKind } from '#drivers/driver.js';
import { refuses } from '#drivers/within.js';
import { isReady, notReady } from '../conditions.js';
import { describeUnfit, unfit } from '../fit.js';
import type { SecretField } from '../guest-secrets.js';
import { type HostScope, nativeName } from '../host/scope.js';
import { instanceName } from '../instance-name.js';
import { cloudInit, ignition, type SeedContent, seedBytes, seedDigest, sysprep } from '../seed/content.js';
import { consoleName, seedFamily, seedName } from '../seed/volume.js';
import type { Stores } from '../stores.js';
import { carries, seedFields, seedKind } from './seed-kind.js';

/** Where the seeds of a machine are kept: a pool on its host. */
export interface SeedStore {
  readonly instance: string;
  readonly poolUuid: string;
  readonly family: string;
  /** In the host's file system; absent where the pool keeps no files. */
  readonly path?: string;
}

export type DesiredSeed = StoredSeed | CarriedSeed;

/** A volume. */
export interface StoredSeed extends SeedStore {
  readonly kind: 'stored';
  readonly nativeName: string;
  readonly content: SeedContent;
  readonly location: string;
}

/** The host takes it with the machine: it is in no volume, and has but a name. */
export interface CarriedSeed {
  readonly kind: 'carried';
  readonly nativeName: string;
  readonly content: SeedContent;
}

export interface ResolvedSeed {
  readonly store?: SeedStore;
  readonly seed?: DesiredSeed;
  /** What is not there yet. */
  readonly missing: readonly string[];
  readonly refused?: RefusedSeed;
  /** Nobody asked for one: a machine that was made without is left so. */
  readonly byDefault: boolean;
}

/** What cannot be had. */
export interface RefusedSeed {
  /** Where it stands in the manifest. */
  readonly field: string;
  readonly because: string;
  /** What it would be called; absent where not all that it is made of is known. */
  readonly nativeName?: string;
}

/** What was found in place of a Secret's value. `salt` nobody knows who may not read the value. */
export type SecretValue =
  | { readonly kind: 'value'; readonly bytes: Uint8Array; readonly salt: string }
  | { readonly kind: 'missing'; readonly because: string };

/** The values of tenants' Secrets that were handed to this host, by the machine's uid. */
export type SecretValues = (uid: string, field: SecretField) => SecretValue;

type SeedStores = Pick<Stores, 'instances'> & { readonly secretValues: SecretValues };

/** The pool that a machine's first seed was put into stays the one, whatever the host's is by now. */
export function resolveSeed(machine: VirtualMachine, host: HostScope, stores: SeedStores): ResolvedSeed {
  return { ...seedIn(machine, host, stores), byDefault: seedKind(machine.spec) === undefined };
}

function seedIn(machine: VirtualMachine, host: HostScope, stores: SeedStores): Omit<ResolvedSeed, 'byDefault'> {
  const { metadata, spec, status } = machine;
  const pool = host.hypervisor?.spec.systemPoolRef?.name;
  const instanceKey = status?.seedPool ?? (pool === undefined ? undefined : instanceName(pool, host.name));
  const asked = seedKind(spec);
  const instance = instanceKey === undefined ? undefined : stores.instances.get(instanceKey);
  const uuid = instance?.status?.uuid;
  const family = seedFamily(status?.nativeName ?? nativeName(host, metadata.namespace, metadata.name), metadata.uid);
  const path = instance?.status?.path?.startsWith('/dev/') === true ? undefined : instance?.status?.path;
  const store =
    uuid === undefined || instanceKey === undefined
      ? undefined
      : { instance: instanceKey, poolUuid: uuid, family, ...(path === undefined ? {} : { path }) };
  const unseeded = { missing: [], ...(store === undefined ? {} : { store }) };
  if (metadata.deletionTimestamp !== undefined) return unseeded;
  const content = () => namedContent(machine, family, stores.secretValues);
  const unaccepted = asked && refusedBy(host, asked, content);
  if (unaccepted !== undefined) return { ...unseeded, refused: unaccepted };
  if (asked !== undefined && carries(host.capabilities, asked)) {
    const { missing, named } = content();
    return { ...unseeded, missing, ...(named === undefined ? {} : { seed: { kind: 'carried', ...named } }) };
  }
  const field = `spec.${seedFields[asked ?? 'CloudInit']}`;
  if (instanceKey === undefined)
    return { missing: [], ...(asked === undefined ? {} : { refused: { field, because: noPool(field, host.name) } }) };
  if (asked === undefined && !isTold(host)) return unseeded;
  if (store === undefined || instance === undefined || !isReady(instance)) return { missing: [whatIsMissing(instanceKey, instance)] };
  if (path === undefined) return { missing: [], refused: { field, because: noFiles(instanceKey) } };
  const { missing, named } = content();
  if (named === undefined) return { missing, store };
  return { missing: [], store, seed: { kind: 'stored', ...store, ...named, location: `${path}/${named.nativeName}` } };
}

/** By what the host says of that field, which no pool would help. */
function refusedBy({ name, capabilities }: HostScope, asked: SeedKind, content: () => NamedContent): RefusedSeed | undefined {
  const field = `spec.${seedFields[asked]}`;
  const [misfit] = unfit([{ field: seedFields[asked], path: field }], capabilities);
  if (misfit === undefined) return undefined;
  const { named } = content();
  return { field, because: describeUnfit(misfit, name), ...(named === undefined ? {} : { nativeName: named.nativeName }) };
}

interface NamedContent {
  readonly named?: Pick<DesiredSeed, 'nativeName' | 'content'>;
  readonly missing: readonly string[];
}

/** What is told, and what that is called; or what is missing of it. */
function namedContent(machine: VirtualMachine, family: string, secretValues: SecretValues): NamedContent {
  const { content, salt, missing } = contentOf(machine, secretValues);
  return content === undefined ? { missing } : { missing: [], named: { nativeName: seedName(family, seedDigest(content, salt)), content } };
}

/** Where the host has a place for it, all that a machine prints on its serial console is kept beside its seeds: who opens it later reads that first. */
export function serialLog({ metadata, spec }: VirtualMachine, store: SeedStore | undefined, host: HostScope): string | undefined {
  if (spec.devices?.serial === undefined || store?.path === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  if (!host.capabilities.some(({ field }) => field === 'devices.serial.log')) return undefined;
  return `${store.path}/${consoleName(store.family)}`;
}

export function machineSeed(seed: DesiredSeed): MachineSeed {
  const { kind } = seed.content;
  return seed.kind === 'stored' ? { kind, location: seed.location } : { kind, location: seed.nativeName, content: seedBytes(seed.content) };
}

/** Where the host has a place for it and its machines a drive, every new machine is told its name; but none takes a drive for that alone where it needs no place. */
const isTold = ({ capabilities, hypervisor }: HostScope): boolean =>
  hypervisor?.spec.systemPoolRef !== undefined &&
  capabilities.some((each) => each.field === 'cloudInit' && !refuses(each)) &&
  !carries(capabilities, 'CloudInit');

interface Reference {
  readonly name: string;
  readonly key: string;
}

/** Gathers values and their salts, and what is missing of them. */
class Values {
  readonly missing: string[] = [];
  readonly salts: string[] = [];
  readonly #uid: string;
  readonly #secretValues: SecretValues;

  constructor(uid: string, secretValues: SecretValues) {
    this.#uid = uid;
    this.#secretValues = secretValues;
  }

  of(field: SecretField, inline: string | undefined, reference: Reference | undefined): Uint8Array | undefined {
    if (inline !== undefined) return Buffer.from(inline);
    if (reference === undefined) return undefined;
    const found = this.#secretValues(this.#uid, field);
    if (found.kind === 'missing') {
      this.missing.push(`key "${reference.key}" of Secret "${reference.name}": ${found.because}`);
      return undefined;
    }
    this.salts.push(found.salt);
    return found.bytes;
  }
}

function contentOf(
  { metadata, spec, status }: VirtualMachine,
  secretValues: SecretValues,
): { readonly content?: SeedContent; readonly salt: string; readonly missing: readonly string[] } {
  const values = new Values(metadata.uid, secretValues);
  const config = values.of('ignition', spec.ignition?.config, spec.ignition?.configSecretRef);
  const answers = values.of('answerFile', spec.sysprep?.answerFile, spec.sysprep?.answerFileSecretRef);
  const userData = values.of('userData', spec.cloudInit?.userData, spec.cloudInit?.userDataSecretRef);
  const networkData = values.of('networkData', spec.cloudInit?.networkData, spec.cloudInit?.networkDataSecretRef);
  const { missing, salts } = values;
  if (missing.length > 0) return { salt: '', missing };
  const named = { instanceId: status?.uuid ?? spec.uuid ?? metadata.uid, hostname: spec.cloudInit?.hostname ?? metadata.name };
  const content =
    config !== undefined
      ? ignition(config)
      : answers !== undefined
        ? sysprep(answers)
        : cloudInit({ ...named, ...(userData === undefined ? {} : { userData }), ...(networkData === undefined ? {} : { networkData }) });
  return { content, salt: salts.join(' '), missing };
}

const noPool = (field: string, host: string): string =>
  `${field}: asked for, and ${host} has no pool to keep it in; name one in spec.systemPoolRef of that Hypervisor, or leave ${field} out`;

const noFiles = (instance: string): string =>
  `pool "${instance}" keeps no files, and the host's system pool must; name a directory pool in spec.systemPoolRef of the Hypervisor`;

function whatIsMissing(name: string, instance: StoragePoolInstance | undefined): string {
  if (instance === undefined) return `system pool "${name}": there is none on this host`;
  return `system pool "${name}": ${notReady(instance)}`;
}
