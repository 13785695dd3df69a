const unprintable = /[\p{C}\p{Zl}\p{Zp}"\\]/gu;
const longest = 80;

/** Text from a hostile source, for a message: in quotes, at most 80 characters, nothing in it that a terminal or a log would act on. */
export function quoted(text: string | Uint8Array): string {
  return `"${plain(typeof text === 'string' ? text : new TextDecoder().decode(text), longest)}"`;
}

/** The same without quotes, for words that are only partly foreign. */
export function plain(text: string, mostCharacters: number): string {
  const characters = [...text];
  const kept = characters.slice(0, mostCharacters).join('').replace(unprintable, escaped);
  return characters.length > mostCharacters ? `${kept}…` : kept;
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `10 GiB (10737418240 bytes)`; below 1 KiB just the bytes. */
export function inBytes(count: number | bigint): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(Number(count), 1)) / 10), units.length);
  if (power === 0) return `${count} bytes`;
  return `${Number((Number(count) / 1024 ** power).toFixed(2))} ${units[power - 1]} (${count} bytes)`;
}
