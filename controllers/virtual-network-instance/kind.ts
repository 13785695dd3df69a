import type { VirtualNetwork, VirtualNetworkInstance, VirtualNetworkInstanceStatus } from '#crds/types.js';
import type { Machine } from '#drivers/driver.js';
import { conditions, type Finding, isFalse, isTrue, isUnknown, readiness } from '../conditions.js';
import { derivedUuid } from '../derived-uuid.js';
import { type HostScope, nativeName, takeOverOf } from '../host/scope.js';
import type { HostView } from '../host/view.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { on, type Performers } from '../plan.js';
import type { Findings, Kind, Resolution } from '../reconcile.js';
import { standing } from '../standing.js';
import type { Stores } from '../stores.js';
import { ungranted } from './permission.js';
import { type DesiredNetwork, type NetworkAction, type ObservedNetwork, planNetwork, type Source, staged } from './plan.js';
import { networkShape } from './shape.js';

type NetworkFindings = Findings<DesiredNetwork, ObservedNetwork, NetworkAction>;
type Action<K extends NetworkAction['kind']> = Extract<NetworkAction, { readonly kind: K }>;
export type NetworkInstanceKind = Kind<
  VirtualNetworkInstance,
  DesiredNetwork,
  ObservedNetwork,
  NetworkAction,
  VirtualNetworkInstanceStatus
>;

export interface NetworkStores extends Pick<Stores, 'networks' | 'machines'> {
  readonly namespaces: ReadonlyStore<Namespace>;
}

const performers: Performers<NetworkAction> = {
  define: on('networks', (networks, { definition }: Action<'define'>, signal) => networks.define(definition, signal)),
  update: on('networks', (networks, { network, shape }: Action<'update'>, signal) => networks.update(network, shape, signal)),
  start: on('networks', (networks, { network }: Action<'start'>, signal) => networks.start(network, signal)),
  stop: on('networks', (networks, { network }: Action<'stop'>, signal) => networks.stop(network, signal)),
  undefine: on('networks', (networks, { network }: Action<'undefine'>, signal) => networks.undefine(network, signal)),
};

export const virtualNetworkInstanceKind = (host: HostScope, stores: NetworkStores): NetworkInstanceKind => ({
  performers,
  declaredBy: (instance) => stores.networks.get(parentOf(instance)),
  resolve: (instance) => resolveNetwork(instance, host, stores),
  looksAt: () => ({ networks: true }),
  observe: observeNetwork,
  plan: planNetwork,
  report: (instance, findings) => reportNetwork(instance, findings, stores.networks.get(parentOf(instance))),
});

const parentOf = ({ metadata, spec }: VirtualNetworkInstance): string => `${metadata.namespace}/${spec.networkRef.name}`;

function resolveNetwork(instance: VirtualNetworkInstance, host: HostScope, stores: NetworkStores): Resolution<DesiredNetwork> {
  const { metadata, spec } = instance;
  const { namespace, deletionTimestamp } = metadata;
  const parent = stores.networks.get(parentOf(instance));
  if (parent === undefined && deletionTimestamp === undefined)
    return { kind: 'missing', reason: 'WaitingForNetwork', missing: [`network "${spec.networkRef.name}": there is none`] };
  return {
    kind: 'desired',
    desired: {
      want: deletionTimestamp === undefined ? 'present' : 'absent',
      host: host.name,
      namespace,
      source: sourceOf(instance, parent, host),
      ungranted: parent === undefined ? [] : ungranted(parent.spec, namespace, host.hypervisor, stores.namespaces),
      machines: stores.machines.byIndex('network', parentOf(instance)).map(({ metadata: { name } }) => name),
      takeOver: takeOverOf(instance, host) === 'All',
      capabilities: host.capabilities,
    },
  };
}

/** Without its VirtualNetwork an instance is taken for one of ours: what was there before has no uuid of ours, and is left alone. */
function sourceOf({ metadata, spec, status }: VirtualNetworkInstance, parent: VirtualNetwork | undefined, host: HostScope): Source {
  if (parent?.spec.existing !== undefined) return { kind: 'existing', nativeName: parent.spec.existing.name };
  return {
    kind: 'own',
    definition: {
      ...(parent === undefined ? { forward: { mode: 'None' }, records: [] } : networkShape(parent.spec)),
      uuid: derivedUuid('network', host.cluster, metadata.uid, host.name),
      nativeName: status?.nativeName ?? nativeName(host, metadata.namespace, spec.networkRef.name),
    },
  };
}

function observeNetwork({ source }: DesiredNetwork, view: HostView): ObservedNetwork {
  const isMeant = source.kind === 'existing' ? named(source.nativeName) : ({ uuid }: { uuid?: string }) => uuid === source.definition.uuid;
  const network = view.networks.find(isMeant);
  const others = view.networks.filter((one) => one !== network);
  const stranger = source.kind === 'own' ? others.find(named(source.definition.nativeName)) : undefined;
  const holders = view.machines.filter((machine) => isDefinedOn(machine, network?.nativeName)).map(({ nativeName: name }) => name);
  return { ...(network === undefined ? {} : { network }), ...(stranger === undefined ? {} : { stranger }), others, holders };
}

const isDefinedOn = ({ configured, live }: Machine, network: string | undefined): boolean =>
  [configured, live].some((shape) => shape?.interfaces.some((one) => one.network === network));

const named =
  (name: string) =>
  ({ nativeName }: { readonly nativeName: string }): boolean =>
    nativeName === name;

const doing: Readonly<Record<NetworkAction['kind'], string>> = {
  define: 'Provisioning',
  update: 'Updating',
  start: 'Starting',
  stop: 'Restarting',
  undefine: 'Removing',
};

function reportNetwork(
  { metadata, status: before }: VirtualNetworkInstance,
  findings: NetworkFindings,
  parent: VirtualNetwork | undefined,
): VirtualNetworkInstanceStatus {
  const { desired, observed, plan, now } = findings;
  const isStaged = (decision: NonNullable<typeof plan>[number]) => decision.kind === 'wait' && decision.reason === staged;
  const stands = standing(plan === undefined ? findings : { ...findings, plan: plan.filter((decision) => !isStaged(decision)) }, {
    ready: { reason: metadata.deletionTimestamp === undefined ? 'Active' : 'Deleted' },
    acting: (kind) => doing[kind as NetworkAction['kind']],
  });
  const generation = desired === undefined ? before?.networkGeneration : parent?.metadata.generation;
  return {
    observedGeneration: metadata.generation,
    ...(generation === undefined ? {} : { networkGeneration: generation }),
    ...identity(before, desired?.source, observed),
    conditions: conditions(before?.conditions, metadata.generation, now, {
      ...readiness(stands),
      ...(desired?.source.kind === 'existing' ? {} : { RestartRequired: restartRequired(before, plan?.find(isStaged)?.because, observed) }),
    }),
  };
}

/** A network that could not be looked at needs its restart all the same. */
function restartRequired(
  before: VirtualNetworkInstanceStatus | undefined,
  because: string | undefined,
  observed: ObservedNetwork | undefined,
): Finding {
  if (observed === undefined) return before?.conditions?.find(({ type }) => type === 'RestartRequired') ?? isUnknown('NotSeen');
  return because === undefined ? isFalse('UpToDate') : isTrue('PendingChanges', because);
}

function identity(
  before: VirtualNetworkInstanceStatus | undefined,
  source: Source | undefined,
  observed: ObservedNetwork | undefined,
): Pick<VirtualNetworkInstanceStatus, 'uuid' | 'nativeName' | 'bridge'> {
  const definition = source?.kind === 'own' ? source.definition : undefined;
  const [uuid, name] = [
    definition?.uuid ?? before?.uuid,
    definition?.nativeName ?? (source?.kind === 'existing' ? source.nativeName : before?.nativeName),
  ];
  const bridge = observed === undefined ? before?.bridge : observed.network?.bridge;
  return {
    ...(uuid === undefined ? {} : { uuid }),
    ...(name === undefined ? {} : { nativeName: name }),
    ...(bridge === undefined ? {} : { bridge }),
  };
}
