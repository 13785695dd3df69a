import fc from 'fast-check';
import t from 'tap';
import { type Kept, nothingOwned, readKept, wholeSeed, withKept, withoutKept, withoutTheirs } from './notes.js';

const mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: 'r' };
const kept: Kept = { uuid: 'aa', mark, next: {}, owned: nothingOwned };

t.test('what is kept is read back to the letter, whatever others wrote before and after', async (t) => {
  const text = fc.string({ unit: fc.constantFrom(...'ab :{"}\\\n\r', 'ü', 'virtwright: ') });
  const bus = fc.constantFrom('IDE', 'SCSI');
  const any: fc.Arbitrary<Kept> = fc.record({
    uuid: text,
    mark: fc.record({ owner: fc.record({ cluster: text, namespace: text, name: text, uid: text }), record: text }),
    next: fc.record(
      {
        cpuCount: fc.nat(),
        memoryBytes: fc.nat(),
        secureBoot: fc.boolean(),
        disks: fc.array(fc.record({ name: text, location: text, format: fc.constantFrom('Vhdx', 'Vhd'), bus })),
        cdroms: fc.array(fc.record({ name: text, location: text, bus }, { requiredKeys: ['name', 'bus'] })),
        interfaces: fc.array(fc.record({ name: text, network: text, model: fc.constant('Synthetic'), macAddress: text })),
      },
      { requiredKeys: [] },
    ),
    owned: fc.record({
      drives: fc.array(fc.record({ name: text, at: text, file: text }, { requiredKeys: ['name', 'at'] })),
      cards: fc.array(text),
    }),
  });
  const adopted = fc.record(
    { startup: fc.constantFrom('IfItRan', 'Always'), cards: fc.dictionary(text, text, { minKeys: 1, noNullPrototype: true }) },
    { requiredKeys: [] },
  );
  const both = fc.tuple(any, adopted).chain(([kept, adopted]) => fc.constantFrom(kept, { ...kept, id: 'A1' }, { ...kept, adopted }));
  fc.assert(fc.property(both, fc.array(text, { maxLength: 3 }), (kept, notes) => t.same(readKept(withKept(notes, kept)), kept)));
  // A break that Windows made of ours is \r\n.
  const ofOthers = fc
    .array(text, { minLength: 1, maxLength: 3 })
    .map((notes) => withoutKept(notes))
    .filter(([first = '']) => !first.endsWith('\r'));
  fc.assert(fc.property(both, ofOthers, (kept, notes) => t.same(withoutKept(withKept(notes, kept)), notes)));
});

t.test("people's lines stay where they are, and ours is replaced", async (t) => {
  const first = withKept(['ask Ann\r\nbefore you touch it', 'more'], kept);
  t.match(first, [/^ask Ann\r\nbefore you touch it\nvirtwright: [{].*$/, 'more']);
  const edited = [`${first[0]}\nBob was here`, ...first.slice(1)];
  const second = withKept(edited, { ...kept, next: { cpuCount: 2 } });
  t.match(second, [/^ask Ann\r\nbefore you touch it\nBob was here\nvirtwright: .*"next":[{]"cpuCount":2[}][}]$/, 'more']);
  t.same(withKept(first, kept), first);
});

t.test('a line of people that begins as ours hides nothing, and stays', async (t) => {
  const theirs = ['virtwright: ask Ann before you touch it'];
  const above = withKept(theirs, kept);
  t.same(readKept(above), kept);
  const below = [`${withKept([], kept).join('')}\nvirtwright: {"of": "Ann"}`];
  t.same(readKept(below), kept);
  for (const notes of [above, below]) {
    const changed = withKept(notes, { ...kept, next: { cpuCount: 2 } });
    t.match(readKept(changed), { next: { cpuCount: 2 } });
    t.match(withoutKept(changed).join(), /Ann/);
  }
});

t.test('our line is shown, and of what people wrote that there is something', async (t) => {
  const [ours = ''] = withKept([], kept);
  t.same(withoutTheirs([ours]), [ours]);
  t.same(withoutTheirs([`root: hush\r\n${ours}\nvirtwright: hush`, 'hush', '']), [`***\n${ours}`, '***', '']);
});

t.test('what is not whole is nobody’s', async (t) => {
  for (const notes of [
    [],
    [''],
    ['virtwright: '],
    ['virtwright: {"uuid":"x"}'],
    ['virtwright: {"owner":{"cluster":"c"},"uuid":"x"}'],
    ['virtwright: 1'],
  ])
    t.equal(readKept(notes), undefined);
  t.match(readKept(['virtwright: {"uuid":"x","owner":{"cluster":"c","namespace":"n","name":"m","uid":"u"},"next":{"cpuCount":"2"}}']), {
    mark: { record: '' },
    next: {},
  });
  const owner = '"owner":{"cluster":"c","namespace":"n","name":"m","uid":"u"}';
  const torn = `virtwright: {"uuid":"x",${owner},"next":{"disks":[{"name":"a"},7],"cdroms":"x","interfaces":[null]},"owned":{"drives":[{"at":1}],"cards":[1]}}`;
  t.match(readKept([torn]), { next: { disks: [], interfaces: [] }, owned: nothingOwned });
});

t.test('half a seed is read back as that, and is none', async (t) => {
  const seed = { kind: 'Ignition', location: 'one' } as const;
  for (const [noted, whole] of [
    [seed, seed],
    [{ ...seed, whole: false }, undefined],
  ] as const) {
    const read = readKept(withKept([], { ...kept, seed: noted }));
    t.same([read?.seed, wholeSeed(read)], [noted, whole]);
  }
});

t.test('a record that is too long is refused', async (t) => {
  t.throws(() => withKept([], { ...kept, mark: { ...mark, record: 'x'.repeat(4097) } }), { code: 'Invalid' });
});
