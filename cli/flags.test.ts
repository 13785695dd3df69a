import fc from 'fast-check';
import t from 'tap';
import { Complaint } from './complaint.js';
import { type FlagTable, leadingFlags, parseFlags } from './flags.js';
import { nearest } from './nearest.js';

const table = {
  namespace: { kind: 'text', short: 'n', value: 'NAMESPACE', help: '' },
  output: { kind: 'text', short: 'o', value: 'FORMAT', accepted: ['table', 'json'], default: 'table', help: '' },
  file: { kind: 'texts', short: 'f', value: 'FILE', help: '' },
  all: { kind: 'switch', short: 'A', help: '' },
  watch: { kind: 'switch', short: 'w', help: '' },
  wait: { kind: 'switch', default: true, help: '' },
} as const satisfies FlagTable;
const absent = { namespace: undefined, output: 'table', file: [], all: false, watch: false, wait: true };

t.test('a flag is written in every way that kubectl takes', async (t) => {
  const cases: readonly (readonly [readonly string[], object])[] = [
    [['-n', 'shop'], { namespace: 'shop' }],
    [['-nshop'], { namespace: 'shop' }],
    [['-n=shop'], { namespace: 'shop' }],
    [['--namespace', 'shop'], { namespace: 'shop' }],
    [['--namespace=a=b'], { namespace: 'a=b' }],
    [['-Awojson'], { all: true, watch: true, output: 'json' }],
    [['--wait=false'], { wait: false }],
    [['--wait'], {}],
    [['-f', 'a', '--file=b', '-f-'], { file: ['a', 'b', '-'] }],
    [['-o', 'json', '-o', 'table'], {}],
  ];
  for (const [argv, given] of cases) t.same(parseFlags(argv, table), { values: { ...absent, ...given }, args: [] }, argv.join(' '));
});

t.test('words stand anywhere, and behind -- everything is a word', async (t) => {
  t.same(parseFlags(['vm', '-A', 'web', '-', '--', '-n', '--all'], table).args, ['vm', 'web', '-', '-n', '--all']);
});

t.test('before the name of a command stand flags and their values only', async (t) => {
  t.same(leadingFlags(['-n', 'get', '-A', 'get', '-w'], table), ['-n', 'get', '-A']);
  t.same(leadingFlags(['get', '-w'], table), []);
});

t.test('what is not accepted is named, with what was most likely meant', async (t) => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--nmaespace', 'x'], /^there is no flag --nmaespace; did you mean "--namespace"\?$/],
    [['--quite-else'], /^there is no flag --quite-else$/],
    [['--__proto__=x'], /^there is no flag --__proto__$/],
    [['--constructor'], /^there is no flag --constructor$/],
    [['-x'], /^there is no flag -x$/],
    [['-all'], /^there is no flag -a; did you mean "--all"\?$/],
    [['-n'], /^--namespace needs a value: --namespace NAMESPACE$/],
    [['-o', 'jsno'], /^--output: "jsno" given, accepted: table, json; did you mean "json"\?$/],
    [['--all=yes'], /^--all: "yes" given, accepted: true, false; or --all alone$/],
  ];
  for (const [argv, message] of cases) t.throws(() => parseFlags(argv, table), { constructor: Complaint, message }, argv.join(' '));
});

t.test('whatever is typed is understood or complained about', async () => {
  const word = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('-', '--', '-n', '--wait=', '-o=', '--output', '-Aw', '--file'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      try {
        const { args } = parseFlags(argv, table);
        return args.every((arg) => argv.includes(arg));
      } catch (reason) {
        return reason instanceof Complaint;
      }
    }),
  );
});

t.test('a slip of a finger is near, another word is not', async (t) => {
  t.equal(nearest('strat', ['start', 'stop']), 'start');
  t.equal(nearest('desc', ['describe', 'delete']), 'describe');
  t.equal(nearest('get', ['delete', 'wait']), undefined);
});
