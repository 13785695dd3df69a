import type { ApiError, Selection } from '#controllers/kubernetes/client.js';
import { type Asked, selectionOf, styleOf } from './asked.js';
import { type ObjectFormat, objectText } from './output/format.js';
import { GrowingTable } from './output/table.js';
import type { Served } from './server/discovery.js';
import { follow, objectsOf, type Source } from './server/follow.js';
import { type Row, tableChanges, tableOf, tableOfAll } from './server/tables.js';
import { whyNot } from './trouble.js';

interface Watched {
  readonly resource: Served;
  readonly selection: Selection;
}

/** A name becomes a selection: one that is not there is a failure, as it is without a watch. */
async function watchedOf({ api, targets, flags }: Asked, signal: AbortSignal): Promise<Watched> {
  const [target] = targets;
  if (target === undefined) throw new Error('nothing to watch');
  const { resource, name } = target;
  const selection = selectionOf(api, resource, flags);
  if (name === undefined) return { resource, selection };
  await tableOf(api.client, resource, { name, ...selection }, signal);
  return { resource, selection: { ...selection, fieldSelector: `metadata.name=${name}` } };
}

const teller =
  ({ io }: Asked) =>
  (reason: ApiError): void =>
    void io.stderr.write(`${whyNot(reason)}; trying again\n`);

/** Without end. */
export async function watchTable(asked: Asked, wide: boolean, signal: AbortSignal): Promise<number> {
  const { api, flags, io } = asked;
  const { resource, selection } = await watchedOf(asked, signal);
  let table: GrowingTable | undefined;
  const rows: Source<Row> = {
    async list(signal) {
      const { columns, rows: items, resourceVersion } = await tableOfAll(api.client, resource, selection, signal);
      table ??= new GrowingTable(columns, styleOf(flags, resource, wide));
      return { items, resourceVersion };
    },
    changes: (resourceVersion, signal) => tableChanges(api.client, resource, selection, resourceVersion, signal),
    versionOf: (row) => row,
  };
  for await (const fresh of follow(rows, teller(asked), signal)) if (fresh.length > 0) io.stdout.write(table?.add(fresh) ?? '');
  return 0;
}

/** Without end: one after the other, as they come. */
export async function watchObjects(asked: Asked, format: ObjectFormat, signal: AbortSignal): Promise<number> {
  const { resource, selection } = await watchedOf(asked, signal);
  let first = true;
  for await (const fresh of follow(objectsOf(asked.api.client, resource, selection), teller(asked), signal))
    for (const object of fresh) {
      asked.io.stdout.write(`${format.kind === 'yaml' && !first ? '---\n' : ''}${objectText([{ resource, object }], format, true)}`);
      first = false;
    }
  return 0;
}
