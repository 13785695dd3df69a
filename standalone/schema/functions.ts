import { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { Address, Network, parseAddress, parseNetwork } from './network.js';
import { parseQuantity, Quantity } from './quantity.js';

/** How many items the macros of one rule may look at, all together, in one evaluation. */
const maxSteps = 1_000_000;

/** CEL with what Kubernetes adds to it; whose variables are to be added. */
export const functions = new Environment({
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 5_000, maxDepth: 100 },
});

let steps = 0;
/** An evaluation begins. */
export const resetSteps = (): void => {
  steps = 0;
};
const count = (value: unknown): unknown => {
  steps += 1;
  if (steps > maxSteps) throw new RangeError(`the rule looks at more than ${maxSteps} items`);
  return value;
};
functions.registerFunction('counted__(dyn): dyn', count);

const patterns = new Map<string, RE2JS>();
function patternOf(text: string): RE2JS {
  const pattern = patterns.get(text) ?? RE2JS.compile(text);
  if (patterns.size > 1_000) patterns.clear();
  patterns.set(text, pattern);
  return pattern;
}

/** Time that grows with the text, whatever the pattern is. */
export const matches = (text: string, pattern: string): boolean => patternOf(pattern).matcher(text).find();

function found(text: string, pattern: string): string {
  const matcher = patternOf(pattern).matcher(text);
  return matcher.find() ? (matcher.group() ?? '') : '';
}
functions.registerFunction('string.matches__(string): bool', matches);

const known = <T>(found: T | undefined, text: string, what: string): T => {
  if (found === undefined) throw new RangeError(`${JSON.stringify(text)} is no ${what}`);
  return found;
};

const isQuantity = (text: string): boolean => parseQuantity(text) !== undefined;
const quantity = (text: string): Quantity => known(parseQuantity(text), text, 'quantity');
const order = (one: Quantity, other: Quantity): bigint => (one.nanos < other.nanos ? -1n : one.nanos > other.nanos ? 1n : 0n);
const unit = 10n ** 9n;
const amount = (value: Quantity | bigint): bigint => (value instanceof Quantity ? value.nanos : value * unit);
const type = 'kubernetes.Quantity';
functions
  .registerType(type, { ctor: Quantity, fields: {} })
  .registerFunction('isQuantity(string): bool', isQuantity)
  .registerFunction(`quantity(string): ${type}`, quantity)
  .registerFunction(`${type}.compareTo(${type}): int`, order)
  .registerFunction(`${type}.isGreaterThan(${type}): bool`, (one: Quantity, other: Quantity) => one.nanos > other.nanos)
  .registerFunction(`${type}.isLessThan(${type}): bool`, (one: Quantity, other: Quantity) => one.nanos < other.nanos)
  .registerFunction(`${type}.isInteger(): bool`, (one: Quantity) => one.nanos % unit === 0n)
  .registerFunction(`${type}.asInteger(): int`, (one: Quantity) => one.nanos / unit)
  .registerFunction(`${type}.asApproximateFloat(): double`, (one: Quantity) => Number(one.nanos) / 1e9)
  .registerFunction(`${type}.sign(): int`, (one: Quantity) => (one.nanos > 0n ? 1n : one.nanos < 0n ? -1n : 0n))
  .registerFunction(`${type}.add(${type}): ${type}`, (one: Quantity, other: Quantity) => new Quantity(one.nanos + other.nanos))
  .registerFunction(`${type}.add(int): ${type}`, (one: Quantity, other: bigint) => new Quantity(one.nanos + amount(other)))
  .registerFunction(`${type}.sub(${type}): ${type}`, (one: Quantity, other: Quantity) => new Quantity(one.nanos - other.nanos))
  .registerFunction(`${type}.sub(int): ${type}`, (one: Quantity, other: bigint) => new Quantity(one.nanos - amount(other)));

const cidr = (text: string): Network => known(parseNetwork(text), text, 'CIDR');
const ip = (text: string): Address => known(parseAddress(text), text, 'IP address');
functions
  .registerType('net.IP', { ctor: Address, fields: {} })
  .registerType('net.CIDR', { ctor: Network, fields: {} })
  .registerFunction('isIP(string): bool', (text: string) => parseAddress(text) !== undefined)
  .registerFunction('ip(string): net.IP', ip)
  .registerFunction('net.IP.family(): int', (one: Address) => one.family)
  .registerFunction('isCIDR(string): bool', (text: string) => parseNetwork(text) !== undefined)
  .registerFunction('cidr(string): net.CIDR', cidr)
  .registerFunction('net.CIDR.containsIP(string): bool', (one: Network, text: string) => one.holds(ip(text)))
  .registerFunction('net.CIDR.containsIP(net.IP): bool', (one: Network, other: Address) => one.holds(other))
  .registerFunction(
    'net.CIDR.containsCIDR(string): bool',
    (one: Network, text: string) => one.prefix <= cidr(text).prefix && one.holds(cidr(text).address),
  )
  .registerFunction('net.CIDR.ip(): net.IP', (one: Network) => one.address)
  .registerFunction('net.CIDR.masked(): net.CIDR', (one: Network) => one.masked)
  .registerFunction('net.CIDR.prefixLength(): int', (one: Network) => BigInt(one.prefix));

type Comparable = bigint | number | string;
const inOrder = (list: readonly Comparable[]): boolean => list.every((item, at) => at === 0 || (list[at - 1] ?? item) <= item);
const extreme = (list: readonly Comparable[], sign: 1 | -1): Comparable =>
  list.reduce((best, item) => ((sign === 1 ? item > best : item < best) ? item : best));
functions
  .registerFunction('list.isSorted(): bool', inOrder)
  .registerFunction('list.sum(): dyn', (list: readonly (bigint | number)[]) =>
    list.reduce(
      (sum: bigint | number, item) => (typeof item === 'bigint' && typeof sum === 'bigint' ? sum + item : Number(sum) + Number(item)),
      0n,
    ),
  )
  .registerFunction('list.min(): dyn', (list: readonly Comparable[]) => extreme(list, -1))
  .registerFunction('list.max(): dyn', (list: readonly Comparable[]) => extreme(list, 1))
  .registerFunction('string.find(string): string', (text: string, pattern: string) => found(text, pattern))
  .registerFunction('string.replace(string, string): string', (text: string, part: string, by: string) => text.replaceAll(part, () => by))
  .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text));
