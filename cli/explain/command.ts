import { ApiError } from '#controllers/kubernetes/client.js';
import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { pathOf } from '#controllers/kubernetes/wire.js';
import { type Command, command } from '../command.js';
import { Complaint, Failure } from '../complaint.js';
import { isJson, text } from '../json.js';
import { painter } from '../output/colour.js';
import { harmless } from '../output/text.js';
import { type Api, openApi, spaceOf } from '../server/api.js';
import type { Served } from '../server/discovery.js';
import { eventsAbout } from '../server/events.js';
import { allObjects } from '../server/follow.js';
import { parseTargets } from '../server/targets.js';
import { absent } from '../trouble.js';
import { explain, type Known } from './explanation.js';
import { explanationText } from './text.js';

/** What of a machine's spec this host does not accept, in words, with what it would. */
export type Accepts = (
  machine: KubernetesObject,
  volumes: readonly KubernetesObject[],
  host: KubernetesObject,
) => Promise<readonly string[]>;

export const explainCommand = (accepts: Accepts): Command =>
  command({
    name: 'explain',
    group: 'objects',
    words: 'objects',
    summary: 'why an object is as it is: where and why, what it waits for, what would be accepted, who set what',
    usage: ['KIND/NAME', 'KIND NAME', 'NAME'],
    description: [
      'On one page, and for all kinds: for a machine also which hosts did not take it, what its host does not accept of its spec, and what each change waits for. A NAME alone is that of a machine, or else of a volume, network, pool or host.',
    ],
    flags: {
      output: {
        kind: 'text',
        short: 'o',
        value: 'FORMAT',
        accepted: ['text', 'json'],
        default: 'text',
        help: 'for people, or for programs',
      },
    },
    examples: [
      { line: 'explain web', what: 'a machine' },
      { line: 'explain hv/kvm2 -o json', what: 'a host, for a program' },
    ],
    async run(invocation, signal) {
      const { flags, args, io } = invocation;
      await using api = await openApi(invocation);
      const { resource, object } = await find(api, args, signal);
      const explanation = explain(await gather(api, resource, object, accepts, signal));
      const shown =
        flags.output === 'json' ? JSON.stringify(explanation, undefined, 2) : explanationText(explanation, Date.now(), painter(io));
      io.stdout.write(`${flags.output === 'json' ? harmless(shown) : shown.trimEnd()}\n`);
      return 0;
    },
  });

interface Found {
  readonly resource: Served;
  readonly object: KubernetesObject;
}

const searched = ['VirtualMachine', 'StorageVolume', 'VirtualNetwork', 'StoragePool', 'Hypervisor'];

async function find(api: Api, args: readonly string[], signal: AbortSignal): Promise<Found> {
  const [word, ...rest] = args;
  if (word === undefined || args.length > 2) throw new Complaint('name one object, as web, vm/web or vm web');
  const discovery = await api.discovery(signal);
  if (rest.length === 0 && !word.includes('/')) {
    for (const kind of searched) {
      const resource = discovery.kinds.find((one) => one.kind === kind && one.group === 'virtwright.io');
      const object = resource === undefined ? undefined : await seen(api, resource, word, signal);
      if (resource !== undefined && object !== undefined) return { resource, object };
    }
    throw new Failure(`there is nothing called "${word}" in namespace "${api.namespace}", and no pool or host; say KIND/NAME`);
  }
  const [target, ...others] = parseTargets(args, discovery);
  if (target?.name === undefined || others.length > 0) throw new Complaint('name one object, as web, vm/web or vm web');
  const object = await seen(api, target.resource, target.name, signal);
  if (object === undefined) throw new Failure(absent(target.resource, target.name, api.namespace));
  return { resource: target.resource, object };
}

const seen = (api: Api, resource: Served, name: string, signal: AbortSignal): Promise<KubernetesObject | undefined> =>
  api.client.get(resource, { name, ...spaceOf(api, resource) }, signal).catch((reason) => {
    if (ApiError.is(reason, 'NotFound')) return undefined;
    throw reason;
  });

async function gather(api: Api, resource: Served, object: KubernetesObject, accepts: Accepts, signal: AbortSignal): Promise<Known> {
  const { client } = api;
  const { metadata } = object;
  const discovery = await api.discovery(signal);
  const servedAs = (kind: string) => discovery.ofManifest(object.apiVersion, kind);
  const visible = async <T>(work: Promise<T>): Promise<T | undefined> =>
    work.catch((reason) => {
      if (ApiError.is(reason, 'Forbidden', 'NotFound')) return undefined;
      throw reason;
    });
  const here = metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
  const all = async (kind: string, selection: object) => {
    const served = servedAs(kind);
    return served === undefined ? undefined : visible(allObjects(client, served, selection, signal));
  };
  const hostName = isJson(object.status) ? text(object.status['hypervisor']) : '';
  const hosts = servedAs('Hypervisor');
  const isMachine = object.kind === 'VirtualMachine';
  const [raw, host, events, actions, volumes, machines] = await Promise.all([
    visible(client.read({ path: pathOf(resource, { ...here, name: metadata.name }) }, signal)),
    hostName === '' || hosts === undefined ? undefined : visible(client.get(hosts, { name: hostName }, signal)),
    eventsAbout(client, object, signal),
    isMachine ? all('VirtualMachineAction', here) : undefined,
    isMachine ? all('StorageVolume', here) : undefined,
    object.kind === 'Hypervisor' ? all('VirtualMachine', { fieldSelector: `status.hypervisor=${metadata.name}` }) : undefined,
  ]);
  return {
    object,
    raw,
    host,
    events,
    actions: actions?.filter(({ spec }) => isJson(spec) && isJson(spec['machineRef']) && spec['machineRef']['name'] === metadata.name),
    machines: machines?.length,
    accepted: isMachine && host !== undefined ? await accepts(object, volumes ?? [], host) : [],
  };
}
