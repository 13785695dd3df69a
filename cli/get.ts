import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import { type Asked, collect, getFlags as flags, nothing, refuse, selectionOf, styleOf } from './asked.js';
import { command } from './command.js';
import { formatOf, type ObjectFormat, objectText } from './output/format.js';
import { tableText } from './output/table.js';
import { openApi } from './server/api.js';
import { allObjects } from './server/follow.js';
import { type Row, type Table, tableOf, tableOfAll } from './server/tables.js';
import { called, parseTargets } from './server/targets.js';
import { watchObjects, watchTable } from './watch.js';

export const getCommand = command({
  name: 'get',
  group: 'objects',
  words: 'objects',
  summary: 'show objects, one or many',
  usage: ['KIND[,KIND...] [NAME...]', 'KIND/NAME...'],
  description: [
    'A kind is called by its name, its plural or a short name, in small letters: virtualmachine, virtualmachines, vm. "virtwright" means all kinds of Virtwright. What a kind of another group is called as well is called by its group, as vm.kubevirt.io.',
  ],
  flags,
  examples: [
    { line: 'get vm', what: 'the machines of this namespace' },
    { line: 'get vm -A -o wide', what: 'all machines, with addresses and sizes' },
    { line: 'get vm,vol -l app=shop', what: 'machines and volumes with a label' },
    { line: 'get vm/web -o yaml', what: 'one machine, to read or to keep' },
    { line: "get vm web -o jsonpath='{.status.interfaces[0].addresses[0].ip}'", what: 'one value, for a script' },
    { line: 'get vm -w', what: 'machines as they change' },
  ],
  async run(invocation, signal) {
    const { flags, args, io } = invocation;
    await using api = await openApi(invocation);
    const targets = parseTargets(args, await api.discovery(signal));
    const asked = { api, targets, flags, io };
    refuse(asked);
    const format = formatOf(flags.output);
    if (format.kind !== 'table') return flags.watch ? watchObjects(asked, format, signal) : showObjects(asked, format, signal);
    return flags.watch ? watchTable(asked, format.wide, signal) : showTables(asked, format.wide, signal);
  },
});

async function showTables(asked: Asked, wide: boolean, signal: AbortSignal): Promise<number> {
  const { api, targets, flags, io } = asked;
  const { found, failed } = await collect<Table>(
    asked,
    ({ resource }, ref) => tableOf(api.client, resource, ref, signal),
    (resource) => tableOfAll(api.client, resource, selectionOf(api, resource, flags), signal),
  );
  const kinds = [...new Set(targets.map(({ resource }) => resource))];
  const texts = kinds.flatMap((kind) => {
    const tables = found.filter(({ resource }) => resource === kind).map(({ value }) => value);
    const rows: readonly Row[] = tables.flatMap((table) => table.rows);
    const prefix = kinds.length > 1 ? called(kind, '') : '';
    return rows.length === 0 ? [] : [tableText(tables[0]?.columns ?? [], rows, { ...styleOf(flags, kind, wide), prefix })];
  });
  io.stdout.write(texts.join('\n'));
  if (texts.length === 0 && !failed && targets.every(({ name }) => name === undefined)) io.stderr.write(nothing(asked));
  return failed ? 1 : 0;
}

async function showObjects(asked: Asked, format: ObjectFormat, signal: AbortSignal): Promise<number> {
  const { api, targets, flags, io } = asked;
  const { found, failed } = await collect<readonly KubernetesObject[]>(
    asked,
    async ({ resource }, ref) => [await api.client.get(resource, ref, signal)],
    (resource) => allObjects(api.client, resource, selectionOf(api, resource, flags), signal),
  );
  const single = targets.length === 1 && targets[0]?.name !== undefined;
  const objects = found.flatMap(({ resource, value }) => value.map((object) => ({ resource, object })));
  if (!single || objects.length > 0) io.stdout.write(objectText(objects, format, single));
  return failed ? 1 : 0;
}
