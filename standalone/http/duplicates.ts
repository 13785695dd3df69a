const quote = 0x22;
const backslash = 0x5c;
const [openBrace, closeBrace, openBracket, closeBracket, comma, colon] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a];
const mostTold = 100;

/** Where the walk is: within an object with the keys that it had so far, or within a list. */
interface Level {
  readonly path: string;
  readonly keys: Set<string> | undefined;
  index: number;
  key: string;
}

/** The paths of keys that come more than once in their object (`spec.disks[0].name`), of a text that is JSON. The last value of such a key counts. */
export function duplicateKeys(text: string): readonly string[] {
  const found = new Set<string>();
  const levels: Level[] = [];
  let said = '';
  for (let at = 0; at < text.length && found.size < mostTold; at += 1) {
    const level = levels.at(-1);
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = stringEnd(text, at);
        said = text.slice(at, end + 1);
        at = end;
        break;
      }
      case colon:
        if (level !== undefined) enter(level, JSON.parse(said) as string, found);
        break;
      case comma:
        if (level !== undefined) level.index += 1;
        break;
      case openBrace:
      case openBracket:
        levels.push({ path: pathOf(level), keys: text.charCodeAt(at) === openBrace ? new Set() : undefined, index: 0, key: '' });
        break;
      case closeBrace:
      case closeBracket:
        levels.pop();
        break;
    }
  }
  return [...found];
}

function enter(level: Level, key: string, found: Set<string>): void {
  level.key = key;
  if (level.keys?.has(key)) found.add(pathOf(level));
  level.keys?.add(key);
}

/** Of what stands where the walk is. */
function pathOf(level: Level | undefined): string {
  if (level === undefined) return '';
  if (level.keys === undefined) return `${level.path}[${level.index}]`;
  return level.path === '' ? level.key : `${level.path}.${level.key}`;
}

/** Where the text ends that begins there. */
function stringEnd(text: string, begin: number): number {
  let end = text.indexOf('"', begin + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === backslash) first -= 1;
  return (at - first) % 2 === 1;
}
