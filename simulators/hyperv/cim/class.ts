/** A class as text: `Name:type` or `Name:type[]`; a `Name` alone is a string. A `ref` is another object, by its path. */
export interface ClassText {
  readonly base?: string;
  readonly properties?: string;
  /** Of what its path is made. */
  readonly keys: string;
  /** Whose queries find its instances, too. */
  readonly parent?: string;
}

export interface CimProperty {
  readonly name: string;
  readonly type: string;
  readonly isArray: boolean;
}

export interface CimClass {
  readonly name: string;
  readonly properties: readonly CimProperty[];
  readonly keys: readonly string[];
  readonly parent: string | undefined;
}

/** The classes of a namespace; names are found in whatever case. */
export class Classes {
  readonly #byName: ReadonlyMap<string, CimClass>;

  constructor(texts: Readonly<Record<string, ClassText>>) {
    this.#byName = new Map(Object.entries(texts).map(([name, text]) => [name.toLowerCase(), parseClass(name, text)]));
  }

  find(name: string): CimClass | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** Whether an instance of the one counts as one of the other. */
  isA(name: string, of: string): boolean {
    for (let at = this.find(name); at !== undefined; at = at.parent === undefined ? undefined : this.find(at.parent))
      if (at.name.toLowerCase() === of.toLowerCase()) return true;
    return false;
  }
}

function parseClass(name: string, { base = '', properties = '', keys, parent }: ClassText): CimClass {
  const words = `${base} ${properties}`.split(' ').filter((word) => word !== '');
  return { name, properties: words.map(parseProperty), keys: keys.split(' '), parent };
}

function parseProperty(word: string): CimProperty {
  const [name = '', type = 'string'] = word.split(':');
  return { name, type: type.replace('[]', ''), isArray: type.endsWith('[]') };
}
