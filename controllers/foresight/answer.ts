import { decode } from '#crds/decode.js';
import { hypervisors, type Kinds, storagePools, storageVolumes, virtualMachines, virtualNetworks } from '#crds/types.js';
import { DriverError } from '#drivers/error.js';
import { type KubernetesObject, keyOf, type Resource } from '../kubernetes/resource.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import { breath } from './breath.js';
import { type Candidate, type Foreseen, foresee, type Sight } from './foresee.js';

/** What is asked: the objects as they would be stored; and whether this is the only host there is, which decides where a volume goes that no machine names. */
export interface Question {
  readonly objects: readonly KubernetesObject[];
  readonly isAlone: boolean;
}

/** And what is answered. */
export type Answer = Foreseen;

/** Of which a host can say what becomes of them. */
export const foreseenKinds: readonly Resource[] = [hypervisors, storagePools, virtualNetworks, storageVolumes, virtualMachines];

const mostObjects = 2_000;

/** Of `scope`'s namespace only; of everything when absent. Rejects with a DriverError of what is wrong with the question. */
export async function answerPlan(
  question: string,
  { scope, ...sight }: Sight & { readonly scope: string | undefined },
  signal: AbortSignal,
): Promise<string> {
  const { objects, isAlone } = parse(question);
  const names = namesOf(sight.watched);
  const candidates: Candidate[] = [];
  for (const object of objects) {
    await breath(signal);
    const candidate = candidateOf(object, scope, sight);
    refuseAnothers(candidate, names);
    candidates.push(candidate);
  }
  return JSON.stringify((await foresee(candidates, isAlone, sight, signal)) satisfies Answer);
}

function parse(question: string): Question {
  const asked: unknown = parsed(question);
  if (typeof asked !== 'object' || asked === null || !('objects' in asked) || !Array.isArray(asked.objects))
    throw new DriverError('Invalid', 'a plan is asked of {"objects": [...]}');
  if (asked.objects.length > mostObjects)
    throw new DriverError('Invalid', `${asked.objects.length} objects given, accepted are ${mostObjects} at once`);
  return { objects: asked.objects as readonly KubernetesObject[], isAlone: 'isAlone' in asked && asked.isAlone === true };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DriverError('Invalid', 'the question is no JSON');
  }
}

/** Nobody's word is taken for what only we write: its status is what is known here, or none. */
function candidateOf(raw: unknown, scope: string | undefined, { watched, host }: Pick<Sight, 'watched' | 'host'>): Candidate {
  const kind = typeof raw === 'object' && raw !== null && 'kind' in raw ? raw.kind : undefined;
  const resource = foreseenKinds.find((one) => one.kind === kind);
  if (resource === undefined)
    throw new DriverError('Invalid', `kind: "${kind}" given, accepted: ${foreseenKinds.map((one) => one.kind).join(', ')}`);
  const object = decoded(resource, raw);
  const { metadata } = object;
  if (scope !== undefined && metadata.namespace !== scope)
    throw new DriverError(
      'Denied',
      `${resource.kind} "${metadata.name}": a session in namespace "${scope}" plans what is in that alone; make one in the operator's own namespace`,
    );
  if (resource === hypervisors && metadata.name !== host.name)
    throw new DriverError('Invalid', `Hypervisor "${metadata.name}" given, accepted is ${host.name}, which was asked`);
  const known = storeOf(resource, watched).get(keyOf(metadata));
  const { status: _, ...asked } = object;
  const status = known?.metadata.uid === metadata.uid ? known.status : undefined;
  return { resource, object: status === undefined ? asked : { ...asked, status } };
}

/** By uid: what each object that is known is called. */
const namesOf = (watched: Sight['watched']): Map<string, string> =>
  new Map(
    foreseenKinds.flatMap((resource) =>
      storeOf(resource, watched)
        .list()
        .map(({ metadata }) => [metadata.uid, nameOf(resource, metadata)] as const),
    ),
  );

const nameOf = ({ kind }: Resource, metadata: KubernetesObject['metadata']): string => `${kind} ${keyOf(metadata)}`;

/** The server gives no two objects one uid, and by it alone an object has what is its own: a Secret that was handed over, a place on the host. */
function refuseAnothers({ resource, object: { metadata } }: Candidate, names: Map<string, string>): void {
  const mine = nameOf(resource, metadata);
  if ((names.get(metadata.uid) ?? mine) !== mine)
    throw new DriverError('Denied', `${resource.kind} "${metadata.name}": uid ${metadata.uid} is another object's`);
  names.set(metadata.uid, mine);
}

function decoded({ kind }: Resource, raw: unknown): KubernetesObject {
  try {
    const object = decode(kind as keyof Kinds, raw) as KubernetesObject;
    if (typeof object.metadata?.name !== 'string' || typeof object.metadata.uid !== 'string')
      throw new Error(`${kind} without name or uid`);
    return object;
  } catch (reason) {
    throw new DriverError('Invalid', reason instanceof Error ? reason.message : String(reason));
  }
}

const storeOf = ({ plural }: Resource, { hypervisors: hosts, machines, volumes, pools, networks }: Sight['watched']) =>
  ({
    [hypervisors.plural]: hosts,
    [virtualMachines.plural]: machines,
    [storageVolumes.plural]: volumes,
    [storagePools.plural]: pools,
    [virtualNetworks.plural]: networks,
  })[plural]?.store as ReadonlyStore<KubernetesObject>;
