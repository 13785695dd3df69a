import fc from 'fast-check';
import type { Test } from 'tap';
import { acceptedOrInvalid, refused, type Stage, someoneElse, soon } from './stage.js';

const hostile: readonly string[] = [
  '',
  ' ',
  '  kept  ',
  `it's "quoted"`,
  '<owner uid="x"/>',
  '&amp; &lt; & < >',
  ']]>',
  '<![CDATA[x]]>',
  '<!-- x -->',
  '{"a":"b\\n"}',
  'tab\tline\nreturn\r\nlone\r.',
  'ünïcödé 漢字 🦀',
  '\u2028\u00a0\u200b\ufeff',
  '\\u0041 %41 &#65;',
];
const alphabet: readonly string[] = [...`<>&"'/]![-#;?=xa \t\n\r`, 'é', '漢', '🦀', '\u0085', '\u2028', '\ufeff', '\ufffd'];
const longest = `${'é<'.repeat(1365)}"`;

export async function marksContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;

  await t.test('a record is kept to the letter', async (t) => {
    const { id, mark } = await stage.define();
    for (const [at, record] of [...hostile, longest].entries()) {
      await driver.machines.mark(id, { ...mark, record }, mark.owner, soon());
      t.equal((await stage.look(id)).mark?.record, record, `record ${at}`);
    }
  });

  await t.test('an owner is kept to the letter, given by define', async (t) => {
    const owner = { cluster: `<"a'&b">`, namespace: ']]>', name: 'ö 🦀', uid: ' x\ty ' };
    const made = await stage.define(stage.definition(), { owner, record: '<&>' });
    t.same((await stage.look(made.id)).mark, { owner, record: '<&>' });
  });

  await t.test('any record is kept or refused, never altered', async (t) => {
    const { id, mark } = await stage.define();
    const keeps = async (record: string) => {
      if (!(await acceptedOrInvalid(t, driver.machines.mark(id, { ...mark, record }, mark.owner, soon())))) return;
      t.equal((await stage.look(id)).mark?.record, record);
    };
    await fc.assert(fc.asyncProperty(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 20 }), keeps), { numRuns: 25 });
    for (const record of ['\0', '\u0001', '\ufffe', '\ud800', 'a\udc00b']) await keeps(record);
  });

  await t.test('a record above 4 KiB is refused, and the one before stays', async (t) => {
    const { id, mark } = await stage.define(stage.definition(), stage.mark({ record: 'before' }));
    await refused(t, driver.machines.mark(id, { ...mark, record: 'x'.repeat(4097) }, mark.owner, soon()), 'Invalid');
    t.equal((await stage.look(id)).mark?.record, 'before');
  });

  await t.test('marking touches nothing else', async (t) => {
    const { id, mark } = await stage.define();
    const { mark: _mark, ...before } = await stage.look(id);
    await driver.machines.mark(id, { ...mark, record: 'new' }, mark.owner, soon());
    await driver.machines.mark(id, { ...mark, record: 'new' }, mark.owner, soon());
    t.match(await stage.look(id), { ...before, mark: { ...mark, record: 'new' } });
  });

  await t.test('a define brings its record, also to a running machine', async (t) => {
    const { id, definition, mark } = await stage.define();
    await stage.switchOn(id);
    await driver.machines.define(definition, { ...mark, record: 'defined' }, soon());
    t.equal((await stage.look(id)).mark?.record, 'defined');
    await driver.machines.mark(id, { ...mark, record: 'marked' }, mark.owner, soon());
    t.equal((await stage.look(id)).mark?.record, 'marked');
    await driver.power.cut(id, mark.owner, soon());
    t.equal((await stage.look(id)).mark?.record, 'marked', 'and it outlives the run');
  });

  await t.test("another owner's mark is not replaced", async (t) => {
    const { id, mark } = await stage.define();
    const taken = { owner: someoneElse, record: 'mine' };
    for (const from of [undefined, someoneElse]) await refused(t, driver.machines.mark(id, taken, from, soon()), 'NotOurs');
    t.same((await stage.look(id)).mark, mark);
  });

  await t.test('a mark is taken over from the owner that is named', async (t) => {
    const { id, mark } = await stage.define();
    const taken = { owner: someoneElse, record: 'mine' };
    await driver.machines.mark(id, taken, mark.owner, soon());
    await driver.machines.mark(id, taken, mark.owner, soon());
    t.same((await stage.look(id)).mark, taken);
    await driver.machines.mark(id, mark, someoneElse, soon());
  });
}
