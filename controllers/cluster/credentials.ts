import { isDeepStrictEqual } from 'node:util';
import { type Hypervisor, hypervisors, type StoragePool } from '#crds/types.js';
import { Credentials } from '#drivers/target.js';
import { type KeysOf, needsCopy } from '../credentials.js';
import { ApiError, type Client, type Manifest, type Patch } from '../kubernetes/client.js';
import { deleteSeen } from '../kubernetes/now.js';
import { again, createQueue, type Queue } from '../kubernetes/queue.js';
import { ownedBy } from '../kubernetes/resource.js';
import { latest } from '../kubernetes/store.js';
import type { Metrics } from '../metrics.js';
import { entriesOf, secretOf } from '../pool-credentials.js';
import { copyOf, copyPrefix, decodeSecret, encodeData, hostLabel, isCopy, type Secret, secrets, sourceAnnotation } from '../secrets.js';
import { isSelected } from '../selected.js';
import { type Watched, watch } from '../watched.js';

export interface CopierOptions {
  readonly client: Client;
  /** The operator's own: Secrets are read and written nowhere else. */
  readonly namespace: string;
  readonly hypervisors: Watched<Hypervisor, 'credentials'>;
  readonly pools: Watched<StoragePool>;
  readonly keysOf: KeysOf;
  readonly metrics: Metrics;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/**
 * Hands each host's agent what its driver reads in the Secret that the Hypervisor names, and what the stores of its pools ask for, as a Secret
 * of its own: the agent may read that one alone. Where nothing is named, there is none. Without the rights for it, the controller's other work goes on.
 */
export async function copyCredentials(options: CopierOptions, signal: AbortSignal): Promise<void> {
  const { client, namespace, onTrouble } = options;
  const known = watch({ client, resource: secrets, decode: decodeSecret, selection: { namespace }, onTrouble }, signal);
  await known.reflector.synced;
  const queue = createQueue({
    workers: 2,
    process: async (name, until) => {
      await copy(name, options, known, until);
      queue.forget(name);
    },
    onError: (name, error) => {
      if (!ApiError.is(error, 'Conflict', 'AlreadyExists')) onTrouble(`credentials of host ${name}`, error);
    },
    backoff: { firstMs: 50, maxMs: 60_000 },
    observer: options.metrics.queue('controller-credentials'),
  });
  wire(queue, options, known);
  await queue.run(signal);
}

function wire(queue: Queue, { hypervisors, pools }: CopierOptions, known: Watched<Secret>): void {
  const everywhere = () => again(queue, hypervisors.store.list());
  const heed = (secret: Secret) => {
    const { name } = secret.metadata;
    if (name.startsWith(copyPrefix)) queue.add(name.slice(copyPrefix.length));
    again(queue, hypervisors.store.byIndex('credentials', name));
    if (pools.store.list().some((pool) => secretOf(pool) === name)) everywhere();
  };
  pools.store.subscribe((change) => {
    if (secretOf(latest(change)) !== undefined) everywhere();
  });
  known.store.subscribe((change) => heed(latest(change)));
  hypervisors.store.subscribe(({ key }) => queue.add(key));
  for (const secret of known.store.list()) heed(secret);
  again(queue, hypervisors.store.list());
}

/** One pass for the host of this name, whether there is one or not. */
async function copy(name: string, options: CopierOptions, { store }: Watched<Secret>, signal: AbortSignal): Promise<void> {
  const { client, namespace, hypervisors, keysOf } = options;
  const hypervisor = hypervisors.store.get(name);
  const there = store.get(`${namespace}/${copyOf(name)}`);
  const letIn = hypervisor === undefined ? [] : options.pools.store.list().filter((pool) => isLetIn(pool, hypervisor));
  const needed = hypervisor !== undefined && (needsCopy(hypervisor, keysOf) || letIn.length > 0);
  // What is still to be done there needs it, whatever became of the Secret: both may have been deleted at once.
  if (hypervisor?.metadata.deletionTimestamp !== undefined && there !== undefined && isCopy(there)) return;
  const wanted = needed ? copyFor(hypervisor, letIn, options, store) : undefined;
  if (wanted === undefined) return there !== undefined && isCopy(there) ? deleteSeen(client, secrets, there, signal) : undefined;
  if (there === undefined) return store.set(decodeSecret(await client.create(secrets, manifestOf(wanted), signal)));
  if (!isCopy(there)) throw new Error(`Secret "${there.metadata.name}" in namespace "${namespace}" is not ours; rename or remove it`);
  if (isAsWanted(there, wanted)) return;
  const { resourceVersion } = there.metadata;
  store.set(decodeSecret(await client.mergePatch(secrets, there.metadata, patchOf(wanted, there), { resourceVersion }, signal)));
}

const isLetIn = (pool: StoragePool, hypervisor: Hypervisor): boolean =>
  secretOf(pool) !== undefined && pool.metadata.deletionTimestamp === undefined && isSelected(pool, hypervisor);

interface Copy {
  readonly metadata: Manifest['metadata'];
  readonly data: Credentials;
}

/** Without data when there is no such Secret: the agent then has nothing, and says so. */
function copyFor(
  { metadata, spec }: Hypervisor,
  pools: readonly StoragePool[],
  { namespace, keysOf }: CopierOptions,
  store: Watched<Secret>['store'],
): Copy {
  const named = spec.credentialsSecretName;
  const { required, optional } = keysOf(spec.uri);
  const secret = (of: string | undefined) => (of === undefined ? undefined : store.get(`${namespace}/${of}`)?.data);
  const own = secret(named)?.only([...required, ...optional]) ?? new Credentials([]);
  const ofPools = pools.flatMap((pool) => entriesOf(pool, secret(secretOf(pool)) ?? new Credentials([])));
  const { name } = metadata;
  return {
    metadata: {
      name: copyOf(name),
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'virtwright', [hostLabel]: name },
      annotations: { [sourceAnnotation]: named ?? '' },
      ownerReferences: [ownedBy(hypervisors, metadata)],
    },
    data: own.with(ofPools),
  };
}

const manifestOf = ({ metadata, data }: Copy): Manifest => ({ metadata, data: encodeData(data) });

/** What is there and not wanted goes. */
const patchOf = ({ metadata, data }: Copy, there: Secret): Patch => ({
  metadata,
  data: { ...Object.fromEntries(there.data.keys.map((key) => [key, null])), ...encodeData(data) },
});

const isAsWanted = ({ metadata, data }: Secret, wanted: Copy): boolean =>
  data.equals(wanted.data) &&
  metadata.annotations?.[sourceAnnotation] === wanted.metadata.annotations?.[sourceAnnotation] &&
  isDeepStrictEqual(metadata.ownerReferences, wanted.metadata.ownerReferences);
