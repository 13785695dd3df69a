/** What a terminal would obey instead of showing: names and messages come from others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const commands = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Shown instead of obeyed, as `\x1b`. Line breaks and tabs stay. */
export const harmless = (text: string): string => text.replace(commands, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** The same in one line. */
export const oneLine = (text: string): string => harmless(text.replace(/[\t\n]+/g, ' '));

/** Columns in line, three blanks between them; the last one has no tail. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const width = (at: number): number => Math.max(...rows.map((row) => [...(row[at] ?? '')].length));
  const widths = (rows[0] ?? []).map((_, at) => width(at));
  return rows.map((row) => `${padded(row, widths)}\n`).join('');
}

export const padded = (row: readonly string[], widths: readonly number[]): string =>
  row
    .map((cell, at) => cell + ' '.repeat(Math.max(0, (widths[at] ?? 0) - [...cell].length)))
    .join('   ')
    .trimEnd();
