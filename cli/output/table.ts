import type { Column, Row } from '../server/tables.js';
import { aligned, oneLine, padded } from './text.js';

export interface TableStyle {
  /** With the columns that are not always shown. */
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly withLabels: boolean;
  readonly withHeaders: boolean;
  /** What the name is preceded by where kinds stand beside each other, as `virtualmachine.virtwright.io/`. */
  readonly prefix?: string;
}

type Line = readonly string[];

/** A table as text. */
export function tableText(columns: readonly Column[], rows: readonly Row[], style: TableStyle): string {
  const lines = rows.map((row) => lineOf(columns, row, style));
  return aligned(style.withHeaders ? [headerOf(columns, style), ...lines] : lines);
}

/** Rows that come one by one, in line with those before as far as they fit. */
export class GrowingTable {
  readonly #columns: readonly Column[];
  readonly #style: TableStyle;
  #widths: readonly number[] | undefined;

  constructor(columns: readonly Column[], style: TableStyle) {
    this.#columns = columns;
    this.#style = style;
  }

  add(rows: readonly Row[]): string {
    const lines = rows.map((row) => lineOf(this.#columns, row, this.#style));
    const all = this.#widths === undefined && this.#style.withHeaders ? [headerOf(this.#columns, this.#style), ...lines] : lines;
    const before = this.#widths ?? [];
    this.#widths = (all[0] ?? []).map((_, at) => Math.max(before[at] ?? 0, ...all.map((line) => [...(line[at] ?? '')].length)));
    return all.map((line) => `${padded(line, this.#widths ?? [])}\n`).join('');
  }
}

function headerOf(columns: readonly Column[], style: TableStyle): Line {
  const names = columns.filter((column) => isShown(column, style)).map(({ name }) => oneLine(name).toUpperCase());
  return [...(style.withNamespace ? ['NAMESPACE'] : []), ...names, ...(style.withLabels ? ['LABELS'] : [])];
}

function lineOf(columns: readonly Column[], row: Row, style: TableStyle): Line {
  const cells = row.cells
    .map((cell, at) => ({ cell: at === 0 ? `${style.prefix ?? ''}${cell}` : cell, column: columns[at] }))
    .filter(({ column }) => column !== undefined && isShown(column, style))
    .map(({ cell }) => oneLine(cell));
  const labels = Object.entries(row.labels).map(([key, value]) => `${key}=${value}`);
  return [
    ...(style.withNamespace ? [row.namespace] : []),
    ...cells,
    ...(style.withLabels ? [oneLine(labels.sort().join(',')) || '<none>'] : []),
  ];
}

const isShown = ({ priority }: Column, { wide }: TableStyle): boolean => wide || priority === 0;
