/** What a table of ours has under a word of the host's; never what every object has, such as `constructor`. */
export function meaningOf<T>(table: Readonly<Record<string, T>>, word: string | undefined): T | undefined {
  return word !== undefined && Object.hasOwn(table, word) ? table[word] : undefined;
}
