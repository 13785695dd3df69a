import fc from 'fast-check';
import t from 'tap';
import { judgeOf } from './evaluate.js';
import { parseQuery } from './parse.js';

const object: Readonly<Record<string, string>> = { Name: 'ABC-1', ElementName: `it's "so" \\ 100%`, EnabledState: '9', Notes: '' };
const look = (name: string) => object[name];

function matches(where: string): boolean {
  const query = parseQuery(`SELECT * FROM C WHERE ${where}`);
  return query.kind === 'select' && judgeOf(query.where)(look);
}

for (const [where, expected] of [
  [`Name = 'abc-1'`, true],
  [`Name != 'abc-1'`, false],
  [`ElementName = 'it\\'s "so" \\\\ 100%'`, true],
  [`(EnabledState != 0 and EnabledState != 3 and EnabledState != 32769)`, true],
  [`EnabledState = 3 OR EnabledState = 9 AND Name = 'x'`, false],
  [`(EnabledState = 3 OR EnabledState = 9) AND NOT Name = 'x'`, true],
  [`EnabledState < 10`, true],
  [`EnabledState >= 10`, false],
  [`ElementName LIKE '%100\\%'`, false],
  [`ElementName LIKE '%100_'`, true],
  [`ElementName LIKE 'it%'`, true],
  [`ElementName LIKE 'it[''a-z]s%'`.replace("''", "\\'"), true],
  [`Name LIKE 'A[a-c]_-[0-9]'`, true],
  [`Name LIKE 'A[^a-c]_-[0-9]'`, false],
  [`Name LIKE '[^x]BC-[^2-9]'`, true],
  [`Name LIKE '[c-a]BC-1'`, false],
  [`ElementName LIKE '%100[%]'`, true],
  [`Name LIKE 'ABC[-]1'`, true],
  [`Name LIKE '[ABC-1'`, false],
  [`'x' LIKE Name`, false],
  [`'abc-1' LIKE Name`, true],
  [`Name LIKE Missing`, false],
  [`Missing = 'x'`, false],
  [`Missing != 'x'`, false],
  [`Missing IS NULL`, true],
  [`Name IS NOT NULL`, true],
  [`Notes = ''`, true],
] as const)
  t.test(`${where} is ${expected}`, async (t) => t.equal(matches(where), expected));

t.test('what objects are associated with is asked for, either part left out', async (t) => {
  const text = `ASSOCIATORS OF {Msvm_ComputerSystem.CreationClassName='Msvm_ComputerSystem',Name='A}B'} WHERE AssocClass = X ResultClass = Y`;
  t.match(parseQuery(text), {
    kind: 'associators',
    of: {
      className: 'Msvm_ComputerSystem',
      keys: [
        ['CreationClassName', 'Msvm_ComputerSystem'],
        ['Name', 'A}B'],
      ],
    },
    assocClass: 'X',
    resultClass: 'Y',
  });
  t.match(parseQuery('ASSOCIATORS OF {C.K="a\\\\b\\\\0"}'), { of: { keys: [['K', 'a\\b\\0']] } });
  t.match(parseQuery('ASSOCIATORS OF {C.K="a\\b"}'), { of: { keys: [['K', 'a\\b']] } }, 'a backslash that somebody forgot to double');
});

t.test('some properties alone are asked for by their names', async (t) => {
  t.match(parseQuery('select Name , EnabledState from C where Name = 1'), { className: 'C', columns: ['Name', 'EnabledState'] });
  t.notOk('columns' in parseQuery('SELECT * FROM C'));
});

for (const text of [
  '',
  'DELETE FROM C',
  'SELECT FROM C',
  'SELECT a, FROM C',
  `SELECT * FROM C WHERE`,
  `SELECT * FROM C WHERE a`,
  `SELECT * FROM C WHERE a = 'b`,
  `SELECT * FROM C WHERE (a = 1`,
  `SELECT * FROM C WHERE a = 1)`,
])
  t.test(`"${text}" is no query`, async (t) => t.throws(() => parseQuery(text), { name: 'QueryError' }));

t.test('any text in quotes is found as it is, whatever it holds', async () =>
  fc.assert(
    fc.property(fc.string(), (text) => {
      const quoted = text.replaceAll('\\', '\\\\').replaceAll(`'`, `\\'`);
      const query = parseQuery(`SELECT * FROM C WHERE Name = '${quoted}'`);
      return query.kind === 'select' && judgeOf(query.where)(() => text);
    }),
  ),
);
