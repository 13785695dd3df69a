import { ApiError, type Selection } from '#controllers/kubernetes/client.js';
import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { textsAt as at, parseJsonPath, valuesAt } from '../output/jsonpath.js';
import { tableText } from '../output/table.js';
import type { Api } from '../server/api.js';
import type { Served } from '../server/discovery.js';
import { type Table, tableOf, tableOfAll } from '../server/tables.js';
import { called } from '../server/targets.js';

/** Another object that says why this one is as it is: one, or those of a kind that a test picks. */
type Relation =
  | { readonly kind: string; readonly name: string }
  | { readonly kind: string; readonly selection: Selection; readonly picks: string };

/** What an object of ours is about. Pure. */
function relationsOf(object: KubernetesObject): readonly Relation[] {
  const { name, namespace } = object.metadata;
  const here: Selection = namespace === undefined ? {} : { namespace };
  const one = (kind: string, names: readonly string[]): readonly Relation[] => [...new Set(names)].map((found) => ({ kind, name: found }));
  switch (object.kind) {
    case 'VirtualMachine': {
      const disks = valuesAt(object, parseJsonPath('.spec.disks[*]'));
      const volumes = disks.flatMap((disk) => [
        ...at(disk, '.volumeRef.name'),
        ...at(disk, '.cdrom.volumeRef.name'),
        ...(at(disk, '.volumeTemplate').length > 0 ? at(disk, '.name').map((disk) => `${name}-${disk}`) : []),
      ]);
      return [
        ...one('Hypervisor', at(object, '.status.hypervisor')),
        ...one('StorageVolume', volumes),
        ...one('VirtualNetwork', at(object, '.spec.interfaces[*].networkRef.name')),
        { kind: 'VirtualMachineAction', selection: here, picks: `.spec.machineRef.name=${name}` },
      ];
    }
    case 'VirtualMachineAction':
      return one('VirtualMachine', at(object, '.spec.machineRef.name'));
    case 'StorageVolume':
      return [
        ...one('VirtualMachine', at(object, '.status.claim.machine')),
        ...one('StoragePoolInstance', at(object, '.status.pool')),
        ...one('StorageVolume', at(object, '.spec.source.volumeRef.name')),
      ];
    case 'StoragePool':
      return [{ kind: 'StoragePoolInstance', selection: {}, picks: `.spec.poolRef.name=${name}` }];
    case 'VirtualNetwork':
      return [{ kind: 'VirtualNetworkInstance', selection: here, picks: `.spec.networkRef.name=${name}` }];
    case 'Hypervisor':
      return [
        { kind: 'VirtualMachine', selection: { fieldSelector: `status.hypervisor=${name}` }, picks: '' },
        { kind: 'StoragePoolInstance', selection: { fieldSelector: `spec.hypervisor=${name}` }, picks: '' },
      ];
    default:
      return [];
  }
}

const mostShown = 20;

/** As tables, kind by kind. What may not be seen, or is not there, is said. */
export async function relatedText(api: Api, object: KubernetesObject, signal: AbortSignal): Promise<string> {
  if (!object.apiVersion.startsWith('virtwright.io/')) return '';
  const discovery = await api.discovery(signal);
  const parts: string[] = [];
  for (const [kind, relations] of grouped(relationsOf(object))) {
    const resource = discovery.ofManifest(object.apiVersion, kind);
    if (resource === undefined) continue;
    const space = resource.namespaced ? { namespace: object.metadata.namespace ?? '' } : {};
    const tables = await Promise.all(relations.map((relation) => look(api, resource, relation, space, signal)));
    const found = tables.filter((table): table is Table => typeof table !== 'string');
    const rows = found.flatMap((table) => table.rows);
    const style = {
      wide: false,
      withNamespace: resource.namespaced && object.metadata.namespace === undefined,
      withLabels: false,
      withHeaders: true,
    };
    if (rows.length > 0)
      parts.push(tableText(found[0]?.columns ?? [], rows.slice(0, mostShown), { ...style, prefix: called(resource, '') }));
    if (rows.length > mostShown) parts.push(`and ${rows.length - mostShown} more\n`);
    parts.push(...tables.filter((table) => typeof table === 'string'));
  }
  return parts.join('\n');
}

function grouped(relations: readonly Relation[]): ReadonlyMap<string, readonly Relation[]> {
  const groups = new Map<string, Relation[]>();
  for (const relation of relations) groups.set(relation.kind, [...(groups.get(relation.kind) ?? []), relation]);
  return groups;
}

async function look(
  api: Api,
  resource: Served,
  relation: Relation,
  space: { readonly namespace?: string },
  signal: AbortSignal,
): Promise<Table | string> {
  const what = called(resource, 'name' in relation ? relation.name : '*');
  try {
    if ('name' in relation) return await tableOf(api.client, resource, { ...space, name: relation.name }, signal);
    const { selection, picks } = relation;
    const table = await tableOfAll(api.client, resource, selection, signal);
    if (picks === '') return table;
    const names = await picked(api, resource, relation, signal);
    return { ...table, rows: table.rows.filter(({ name }) => names.has(name)) };
  } catch (reason) {
    if (ApiError.is(reason, 'NotFound')) return `${what}: there is none\n`;
    if (ApiError.is(reason, 'Forbidden')) return `${what}: you may not see it\n`;
    throw reason;
  }
}

/** A table says no more of an object than its columns. */
async function picked(api: Api, resource: Served, { selection, picks }: Extract<Relation, { picks: string }>, signal: AbortSignal) {
  const [path = '', value] = picks.split('=');
  const names = new Set<string>();
  for await (const { items } of api.client.pages(resource, selection, signal))
    for (const item of items) if (at(item, path).includes(value ?? '')) names.add(item.metadata.name);
  return names;
}
