import fc from 'fast-check';
import t from 'tap';
import { formatBytes, parseQuantity } from './quantity.js';

const bytes = fc.oneof(
  fc.maxSafeNat(),
  fc.tuple(fc.nat(8191), fc.nat(40)).map(([n, shift]) => n * 2 ** shift),
);

t.test('what is formatted reads back as the same number of bytes', async () => {
  fc.assert(fc.property(bytes, (n) => parseQuantity(formatBytes(n)) === n));
});

t.test('formatting takes the largest unit that is exact', async (t) => {
  const cases = { 0: '0', 1: '1', 1023: '1023', 1024: '1Ki', 1536: '1536', 1048576: '1Mi', 8589934592: '8Gi', 1125899906842624: '1Pi' };
  for (const [n, text] of Object.entries(cases)) t.equal(formatBytes(Number(n)), text);
  fc.assert(fc.property(bytes, (n) => n === 0 || !/[KMGT]i$/.test(formatBytes(n)) || Number.parseInt(formatBytes(n), 10) % 1024 !== 0));
});

t.test('the units are the Kubernetes ones', async (t) => {
  const cases = {
    '1.5Gi': 1610612736,
    '1.5': undefined,
    '2G': 2e9,
    '1e3': 1000,
    '5E3': 5000,
    '1E-1': undefined,
    '10e-1': 1,
    '.5Ki': 512,
    '1.Ki': 1024,
    '+7k': 7000,
    '1000m': 1,
    '1m': undefined,
    '0.000001M': 1,
    '2P': 2e15,
    '7Pi': 7 * 2 ** 50,
    '8Pi': undefined,
    '1Ei': undefined,
    '9007199254740991': Number.MAX_SAFE_INTEGER,
    '9007199254740992': undefined,
  };
  for (const [text, n] of Object.entries(cases)) {
    if (n === undefined) t.throws(() => parseQuantity(text), { name: 'RangeError', message: `"${text}" is ` }, text);
    else t.equal(parseQuantity(text), n, text);
  }
});

t.test('a plain number is bytes', async (t) => {
  t.equal(parseQuantity(1024), 1024);
  for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    t.throws(() => parseQuantity(bad), { name: 'RangeError' }, String(bad));
});

t.test('a decimal fraction is the same as its whole number in a smaller unit', async () => {
  const part = fc.tuple(fc.nat(999999), fc.integer({ min: 1, max: 9 }));
  fc.assert(fc.property(part, ([n, places]) => parseQuantity(`${n}e${places}`) === parseQuantity(`${n}${'0'.repeat(places)}`)));
  fc.assert(fc.property(fc.nat(99999), fc.nat(999), (a, b) => parseQuantity(`${a}.${String(b).padStart(3, '0')}G`) === a * 1e9 + b * 1e6));
});

t.test('anything else is refused by name, quickly, and with what would be accepted', async (t) => {
  for (const bad of [
    '',
    '.',
    'Gi',
    '8 Gi',
    '8gi',
    '8GB',
    '8Gib',
    '-1',
    '1e',
    '1e100',
    '0x10',
    '1_000',
    '١',
    'Infinity',
    '1Gi\n',
    '9'.repeat(100),
  ])
    t.throws(() => parseQuantity(bad), { name: 'RangeError', message: `${JSON.stringify(bad).slice(0, 64)} is` }, JSON.stringify(bad));
  fc.assert(fc.property(fc.string(), (text) => isNumberOrNamed(text)));
});

function isNumberOrNamed(text: string): boolean {
  try {
    return Number.isSafeInteger(parseQuantity(text));
  } catch (error) {
    return error instanceof RangeError && error.message.includes('such as 512Mi');
  }
}

t.test('only whole numbers of bytes are formatted', async (t) => {
  for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) t.throws(() => formatBytes(bad), { name: 'RangeError', message: String(bad) });
});
