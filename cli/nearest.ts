/** How many letters apart two words are; two that changed places count once. */
function distance(one: string, other: string): number {
  const rows = Array.from({ length: one.length + 1 }, (_, at) => [at, ...Array<number>(other.length).fill(0)]);
  rows[0] = Array.from({ length: other.length + 1 }, (_, at) => at);
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= one.length; i++)
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const ways = [cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + same, ...(swapped ? [cell(i - 2, j - 2) + 1] : [])];
      (rows[i] ?? [])[j] = Math.min(...ways);
    }
  return cell(one.length, other.length);
}

/** The word that was most likely meant; undefined when none is near. */
export function nearest(given: string, accepted: readonly string[]): string | undefined {
  if (given.length > 64) return undefined;
  const ranked = accepted
    .map((word) => ({ word, far: word.startsWith(given) && given.length > 1 ? 1 : distance(given, word) }))
    .sort((a, b) => a.far - b.far);
  const [best] = ranked;
  return best !== undefined && best.far <= Math.max(1, Math.floor(given.length / 3)) ? best.word : undefined;
}

/** `; did you mean "x"?`, or nothing. */
export function suggestion(given: string, accepted: readonly string[], prefix = ''): string {
  const word = nearest(given, accepted);
  return word === undefined ? '' : `; did you mean "${prefix}${word}"?`;
}
