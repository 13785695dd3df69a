import type { Client, Selection } from '#controllers/kubernetes/client.js';
import { pathOf } from '#controllers/kubernetes/wire.js';
import { Failure } from '../complaint.js';
import { isJson, type Json, list, text } from '../json.js';
import type { Served } from './discovery.js';

export interface Column {
  readonly name: string;
  /** 0: always shown. */
  readonly priority: number;
}

export interface Row {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly cells: readonly string[];
}

/** Objects as the server shows them to people. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const selected = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector });
const space = ({ namespace }: Selection) => (namespace === undefined ? {} : { namespace });

/** One object, in a table of one row. */
export async function tableOf(
  client: Client,
  resource: Served,
  ref: { readonly name: string; readonly namespace?: string },
  signal: AbortSignal,
): Promise<Table> {
  return decodeTable(await client.read({ path: pathOf(resource, ref), accept }, signal), resource);
}

/** All that is selected, page by page into one table. */
export async function tableOfAll(client: Client, resource: Served, selection: Selection, signal: AbortSignal): Promise<Table> {
  const path = pathOf(resource, space(selection));
  const page = async (next: string | undefined) =>
    decodeTable(await client.read({ path, query: { ...selected(selection), limit: '500', continue: next }, accept }, signal), resource);
  let table = await page(undefined);
  while (table.continue !== undefined) {
    const more = await page(table.continue);
    table = { ...more, columns: table.columns, rows: [...table.rows, ...more.rows] };
  }
  return table;
}

/** What changes from then on, in the columns of before. `expired`: list again. */
export async function* tableChanges(
  client: Client,
  resource: Served,
  selection: Selection,
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<readonly Row[] | 'expired'> {
  const query = { ...selected(selection), watch: 'true', resourceVersion };
  for await (const event of client.follow({ path: pathOf(resource, space(selection)), query, accept }, signal)) {
    if (!isJson(event)) continue;
    const object = event['object'];
    if (event['type'] !== 'ERROR') yield decodeTable(object, resource).rows;
    else if (isJson(object) && object['code'] === 410) return yield 'expired';
    else throw new Failure(`watching ${resource.plural}: ${isJson(object) ? object['message'] : 'the server broke it off'}`);
  }
}

function decodeTable(value: unknown, { plural }: Served): Table {
  if (!isJson(value) || value['kind'] !== 'Table') throw new Failure(`${plural}: the server sent no table`);
  const metadata = isJson(value['metadata']) ? value['metadata'] : {};
  const next = text(metadata['continue']);
  return {
    columns: list(value['columnDefinitions']).map(({ name, priority }) => ({ name: text(name), priority: Number(priority) || 0 })),
    rows: list(value['rows']).map(decodeRow),
    resourceVersion: text(metadata['resourceVersion']),
    ...(next === '' ? {} : { continue: next }),
  };
}

function decodeRow({ cells, object }: Json): Row {
  const metadata = isJson(object) && isJson(object['metadata']) ? object['metadata'] : {};
  const labels = isJson(metadata['labels']) ? metadata['labels'] : {};
  return {
    name: text(metadata['name']),
    namespace: text(metadata['namespace']),
    uid: text(metadata['uid']),
    resourceVersion: text(metadata['resourceVersion']),
    labels: Object.fromEntries(Object.entries(labels).map(([key, one]) => [key, text(one)])),
    cells: (Array.isArray(cells) ? cells : []).map(cellText),
  };
}

/** Nothing is shown as kubectl shows it. */
const cellText = (cell: unknown): string =>
  cell === null || cell === undefined || cell === '' ? '<none>' : typeof cell === 'object' ? JSON.stringify(cell) : `${cell}`;
