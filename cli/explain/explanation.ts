import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { conditionOf, conditionsOf, isCurrent } from '../conditions.js';
import { isJson, type Json, list, text } from '../json.js';
import type { Happening } from '../server/events.js';
import { type Setter, settersOf } from './fields.js';

/** Why an object is as it is, in words. Each list may be empty. */
export interface Explanation {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** How it stands, in a line. */
  readonly stands: string;
  /** Where it is, and why there; or why nowhere. */
  readonly where: readonly string[];
  /** What it waits for, and what to do about it. */
  readonly waits: readonly string[];
  /** Of what is asked and not had: what would be. */
  readonly accepted: readonly string[];
  /** What another hand changed on the host. */
  readonly drift: readonly string[];
  /** Who set what is asked for, the newest first. */
  readonly changedBy: readonly Setter[];
  /** What was done and what came of it, the newest last. */
  readonly happened: readonly { readonly at: string; readonly what: string; readonly message: string }[];
}

/** All that is known of an object by whoever asks; undefined for what one may not see. */
export interface Known {
  readonly object: KubernetesObject;
  /** The same, with `managedFields`. */
  readonly raw: unknown;
  readonly host?: KubernetesObject | undefined;
  readonly events?: readonly Happening[] | undefined;
  /** Of a machine. */
  readonly actions?: readonly KubernetesObject[] | undefined;
  /** Of a host: how many machines are bound to it. */
  readonly machines?: number | undefined;
  /** What of its spec its host does not accept, and what it would. */
  readonly accepted: readonly string[];
}

/** Pure. */
export function explain(known: Known): Explanation {
  const { object, raw, events = [], actions = [], accepted } = known;
  const { kind, metadata } = object;
  return {
    kind,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    name: metadata.name,
    stands: standsOf(object),
    where: whereOf(known),
    waits: [...deletionOf(object), ...conditionsLeft(object), ...pendingOf(object), ...actions.flatMap(pendingAction)],
    accepted,
    drift: list(statusOf(object)['drift']).map(driftLine),
    changedBy: settersOf(raw).filter(({ subresource }) => subresource === ''),
    happened: [...events.map(happened), ...actions.flatMap(finishedAction)].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
  };
}

const statusOf = ({ status }: KubernetesObject): Json => (isJson(status) ? status : {});
const specOf = ({ spec }: KubernetesObject): Json => (isJson(spec) ? spec : {});
const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((found, key) => (isJson(found) ? found[key] : undefined), value);

function standsOf(object: KubernetesObject): string {
  const ready = conditionOf(object, 'Ready');
  const printable = text(statusOf(object)['printableStatus']);
  if (ready === undefined) return 'nobody has looked at it yet: see that the controller runs';
  const former = isCurrent(object, ready) ? '' : 'of its former spec: ';
  const words = [printable, ready.status === 'True' ? 'Ready' : `not Ready (${ready.reason})`].filter((part) => part !== '').join(', ');
  return `${former}${words}, since ${ready.lastTransitionTime}`;
}

function whereOf({ object, host, events, machines }: Known): readonly string[] {
  const status = statusOf(object);
  switch (object.kind) {
    case 'VirtualMachine':
      return [...placeOf(object, events), ...wishOf(object), ...rejectedOf(status), ...leavingOf(status), ...hostOf(host)];
    case 'StorageVolume':
      return [...volumePlace(object), ...hostOf(host)];
    case 'StoragePool':
    case 'VirtualNetwork':
      return [
        `ready on ${at(status, 'hosts', 'ready') ?? 0} of the ${at(status, 'hosts', 'desired') ?? 0} hosts that are to have it`,
        ...list(status['failing']).map((one) => `${text(one['hypervisor'])}: ${text(one['message'])}`),
      ];
    case 'Hypervisor':
      return [
        `${text(specOf(object)['uri']).replace(/\/\/[^/]*@/, '//')}${machines === undefined ? '' : `, with ${machines} machines bound to it`}`,
        ...(specOf(object)['maintenance'] === undefined ? [] : [`spec.maintenance is ${specOf(object)['maintenance']}`]),
      ];
    default:
      return [];
  }
}

function placeOf(object: KubernetesObject, events: readonly Happening[] = []): readonly string[] {
  const host = text(statusOf(object)['hypervisor']);
  if (host === '') return [`on no host: ${conditionOf(object, 'Ready')?.message || 'none was chosen yet'}`];
  const placed = [...events].reverse().find(({ reason }) => reason === 'Placed');
  const why = placed === undefined ? 'it stays where it was placed, until it is moved or its host is given up' : placed.message;
  return [`on ${host}: ${why}`];
}

function wishOf(object: KubernetesObject): readonly string[] {
  const wish = specOf(object)['placement'];
  if (!isJson(wish)) return ['spec.placement asks for nothing: any host that suits may have it'];
  return [`spec.placement asks for ${JSON.stringify(wish)}`];
}

const rejectedOf = (status: Json): readonly string[] =>
  list(at(status, 'placement', 'rejected')).map((one) => {
    const [host, message] = [text(one['hypervisor']), text(one['message'])];
    return `not ${host}: ${text(one['reason'])}, ${message}`;
  });

const leavingOf = ({ evacuation }: Json): readonly string[] =>
  isJson(evacuation) ? [`its host is to be emptied: ${text(evacuation['message']) || text(evacuation['reason']) || 'it is to go'}`] : [];

function hostOf(host: KubernetesObject | undefined): readonly string[] {
  const ready = host === undefined ? undefined : conditionOf(host, 'Ready');
  return host === undefined || ready?.status === 'True'
    ? []
    : [`${host.metadata.name} is not Ready: ${ready?.message || ready?.reason || 'nothing was heard of it'}`];
}

function volumePlace(object: KubernetesObject): readonly string[] {
  const { hypervisor, pool, location, claim } = statusOf(object);
  const place =
    text(hypervisor) === ''
      ? `on no host: ${conditionOf(object, 'Ready')?.message || 'it goes where its first machine goes'}`
      : `on ${text(hypervisor)}, in ${text(pool)}${text(location) === '' ? '' : ` as ${text(location)}`}`;
  const user = isJson(claim) ? `machine ${text(claim['machine'])} has it, and no other may write to it` : 'no machine has it';
  return [place, user];
}

function deletionOf({ metadata }: KubernetesObject): readonly string[] {
  if (metadata.deletionTimestamp === undefined) return [];
  return [`it is being deleted since ${metadata.deletionTimestamp}, held by ${(metadata.finalizers ?? []).join(', ') || 'nobody'}`];
}

/** Of which it is good that they do not hold. */
const troubles: ReadonlySet<string> = new Set(['Stalled', 'Reconciling', 'RestartRequired', 'OutOfService']);

function conditionsLeft(object: KubernetesObject): readonly string[] {
  return conditionsOf(object)
    .filter(({ type, status }) => (troubles.has(type) ? status === 'True' : status !== 'True'))
    .map(
      (one) =>
        `${isCurrent(object, one) ? '' : '(of its former spec) '}${one.type} is ${one.status}: ${one.reason}${one.message === '' ? '' : `, ${one.message}`}`,
    )
    .filter((line, index, all) => all.findIndex((other) => messageOf(other) === messageOf(line)) === index);
}

/** Ready says again what Stalled or Reconciling says. */
const messageOf = (line: string): string => line.slice(line.indexOf(': '));

function pendingOf(object: KubernetesObject): readonly string[] {
  const allowed = at(object.spec, 'updatePolicy', 'allow');
  const allow = Array.isArray(allowed) ? allowed.map(text) : ['Live', 'Hotplug'];
  const remedies: Readonly<Record<string, string>> = {
    NextBoot: 'it comes with its next start',
    Restart: `restart it, or let spec.updatePolicy.allow have Restart beside ${allow.join(', ')}`,
    Recreate: `let spec.updatePolicy.allow have Recreate beside ${allow.join(', ')}: it is made anew from its disks`,
    Impossible: 'ask for something else, or place it on another host',
  };
  return list(statusOf(object)['pendingChanges']).map((one) => {
    const kind = text(one['class']);
    const remedy = remedies[kind];
    return `${text(one['field'])}: ${kind}, ${text(one['reason'])}${remedy === undefined ? '' : ` (${remedy})`}`;
  });
}

const driftLine = (one: Json): string =>
  `${text(one['field'])}: declared ${text(one['declared'])}, found ${text(one['found'])} since ${text(one['since'])}; ${text(one['treatment'])}: ${text(one['reason'])}`;

function pendingAction(action: KubernetesObject): readonly string[] {
  if (statusOf(action)['outcome'] !== undefined) return [];
  const begun = text(statusOf(action)['startedAt']);
  return [
    `${text(specOf(action)['verb'])} (action ${action.metadata.name}): ${begun === '' ? 'not begun yet' : `under way since ${begun}`}`,
  ];
}

function finishedAction(action: KubernetesObject): Explanation['happened'] {
  const { outcome, finishedAt, message } = statusOf(action);
  if (outcome === undefined) return [];
  const what = `${text(specOf(action)['verb'])} (action ${action.metadata.name}) ${text(outcome)}`;
  return [{ at: text(finishedAt), what, message: text(message) }];
}

const happened = ({ lastAt, reason, message, count }: Happening): Explanation['happened'][number] => ({
  at: Number.isNaN(lastAt) ? '' : new Date(lastAt).toISOString(),
  what: count > 1 ? `${reason} (${count} times)` : reason,
  message,
});
