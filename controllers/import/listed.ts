/** What a grant lists by name. */
export type GrantField = 'networks' | 'machines' | 'volumes' | 'hostPaths';

/** `each`: in one grant. `most`: in all of them, as kubectl keeps what it applied in an annotation, of at most 256 KiB. */
const mostListed: Readonly<Record<GrantField, { readonly each: number; readonly most: number }>> = {
  networks: { each: 64, most: 512 },
  machines: { each: 1_000, most: 2_000 },
  volumes: { each: 1_000, most: 2_000 },
  hostPaths: { each: 32, most: 512 },
};

const inParts = (names: readonly string[], each: number): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(names.length / each) }, (_, at) => names.slice(at * each, (at + 1) * each));

type Names = Readonly<Record<GrantField, readonly string[]>>;

/** What is imported by its name, and nothing else, shared out over grants: all there is has what is left out, too, and what comes later. */
export function listed(names: Names): { readonly parts: readonly Partial<Names>[]; readonly left: readonly string[] } {
  const all = (Object.keys(mostListed) as GrantField[]).map((field) => {
    const { each, most } = mostListed[field];
    const once = [...new Set(names[field])];
    return { field, parts: inParts(once.slice(0, most), each), left: tooMany(field, once.length, most) };
  });
  const count = Math.max(1, ...all.map(({ parts }) => parts.length));
  return {
    parts: Array.from({ length: count }, (_, at) =>
      Object.fromEntries(all.flatMap(({ field, parts }) => (parts[at] === undefined ? [] : [[field, parts[at]]]))),
    ),
    left: all.flatMap(({ left }) => left),
  };
}

const tooMany = (field: GrantField, count: number, most: number): readonly string[] =>
  count <= most
    ? []
    : [
        `grants: ${count - most} of ${count} ${field}, as import names ${most} at most; add them to spec.grants[].${field} of the Hypervisor`,
      ];
